/** One attempt at a connection, on Socket.IO: it is dialled once, says what becomes of it, and never comes back by itself. */
import { io } from 'socket.io-client';
import { type ErrorBody, type Result, errorBodySchema, fail, ok } from '@holdfast/protocol/error.ts';
import {
  type SocketAnswerBody,
  type SocketRequest,
  type SocketRequestName,
  socketAnswerSchemas,
} from '@holdfast/protocol/socket.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { connectionTimes } from '@holdfast/core/client/connection.ts';
import { type Push, parsePush } from './push.ts';

export interface DialOptions {
  readonly url: string;
  /** Where on that server, and which of its namespaces. Default: where pages come in. */
  readonly door?: { readonly path: string; readonly namespace: string };
  /** API key; without it the browser's cookie is the login. */
  readonly key?: string;
  readonly transports?: readonly ('websocket' | 'polling')[];
}

interface LifeEvents {
  /** Connected, and both sides speak the same version. */
  opened(): void;
  /** It failed or ended; called once, and nothing after it. */
  lost(error: ErrorBody): void;
  /** Anything came, whatever it was. */
  heard(): void;
}

export interface DialEvents extends LifeEvents {
  pushed(push: Push): void;
}

export interface DialSocketEvents extends LifeEvents {
  /** Something the server sent by itself, as it came. */
  received(name: string, value: unknown): void;
}

export interface Dialled {
  /**
   * timeout: no answer within `waitMs`, or the connection ended. Otherwise the server's own answer. `answered` is called
   * once, before anything that the server pushed after its answer; not at all after close.
   */
  request<N extends SocketRequestName>(
    name: N,
    body: SocketRequest<N>,
    waitMs: number,
    answered: (answer: Result<SocketAnswerBody<N>>) => void,
  ): void;
  /** Without an answer; dropped when not connected. */
  tell<N extends SocketRequestName>(name: N, body: SocketRequest<N>): void;
  /** No event after this. */
  close(): void;
}

export interface DialledSocket extends Dialled {
  /** As it is, without an answer; dropped when not connected. */
  emit(name: string, value: unknown): void;
}

/** To where pages and programs come in. */
export function dial(options: DialOptions, events: DialEvents): Dialled {
  return dialSocket(options, {
    opened: () => events.opened(),
    lost: (error) => events.lost(error),
    heard: () => events.heard(),
    received: (name, value) => {
      const push = parsePush(name, value);
      if (push !== null) events.pushed(push);
    },
  });
}

/** To any door that answers `hello` and `ping`. */
export function dialSocket(options: DialOptions, events: DialSocketEvents): DialledSocket {
  const { door } = options;
  const socket = io(door === undefined ? options.url : new URL(door.namespace, options.url).href, {
    ...(door === undefined ? {} : { path: door.path }),
    forceNew: true,
    reconnection: false,
    transports: [...(options.transports ?? ['websocket', 'polling'])],
    tryAllTransports: true,
    timeout: connectionTimes.open,
    withCredentials: true,
    ...(options.key === undefined
      ? {}
      : { auth: { key: options.key }, extraHeaders: { authorization: `Bearer ${options.key}` } }),
  });
  let over = false;

  const close = (): void => {
    over = true;
    socket.offAny();
    socket.disconnect();
    // While still dialling, disconnect() of the socket alone leaves the transport open.
    socket.io.engine?.close();
  };
  const lost = (error: ErrorBody): void => {
    if (over) return;
    close();
    events.lost(error);
  };
  const heard = (): void => {
    if (!over) events.heard();
  };

  const request: Dialled['request'] = (name, body, waitMs, answered) => {
    if (over || !socket.connected) return;
    socket.timeout(waitMs).emit(name, body, (error: Error | null, answer: unknown) => {
      if (over) return;
      answered(error === null ? parseAnswer(name, answer) : fail('timeout', 'the server did not answer in time'));
    });
  };

  const emit = (name: string, value: unknown): void => {
    if (!over && socket.connected) socket.emit(name, value);
  };

  socket.io.on('open', () => socket.io.engine.on('packet', heard));
  socket.on('connect', () => {
    request('hello', { protocolVersion }, connectionTimes.open, (hello) => {
      if (!hello.ok) return lost(hello.error);
      if (hello.value.protocolVersion !== protocolVersion) {
        return lost({ kind: 'unsupported_version', message: 'the server speaks another version; reload the page' });
      }
      events.opened();
    });
  });
  socket.on('connect_error', (error) => lost(connectError(error)));
  socket.on('disconnect', (reason) => lost({ kind: 'unavailable', message: disconnectWords[reason] ?? reason }));
  socket.onAny((name: string, value: unknown) => {
    if (!over) events.received(name, value);
  });

  return {
    request,
    tell: (name, body) => emit(name, body),
    emit,
    close,
  };
}

const disconnectWords: Readonly<Record<string, string>> = {
  'io server disconnect': 'the server closed the connection',
  'ping timeout': 'nothing was heard from the server',
  'transport close': 'the connection was lost',
  'transport error': 'the connection was lost',
};

function parseAnswer<N extends SocketRequestName>(name: N, answer: unknown): Result<SocketAnswerBody<N>> {
  if (typeof answer === 'object' && answer !== null && 'ok' in answer) {
    if (answer.ok === true) {
      const parsed = socketAnswerSchemas[name].safeParse(answer);
      if (parsed.success) return ok(parsed.data as unknown as SocketAnswerBody<N>);
    } else if ('error' in answer) {
      const parsed = errorBodySchema.safeParse(answer.error);
      if (parsed.success) return { ok: false, error: parsed.data };
    }
  }
  return fail('internal', 'the server gave an answer that is not understood');
}

/** A refused login comes as data of the middleware's error, or as the HTTP status of the handshake. */
function connectError(error: Error): ErrorBody {
  const parsed = errorBodySchema.safeParse('data' in error ? error.data : undefined);
  if (parsed.success) return parsed.data;
  const status = 'description' in error ? error.description : undefined;
  const text = `${typeof status === 'object' && status !== null && 'message' in status ? String(status.message) : ''}`;
  const code = typeof status === 'number' ? status : Number(/Unexpected server response: (\d{3})/.exec(text)?.[1]);
  if (code === 401 || code === 403) return { kind: 'unauthenticated', message: 'the login is not valid any more' };
  return { kind: 'unavailable', message: 'the server cannot be reached' };
}
