/**
 * One page's (or program's) socket: the one door its packets come through, and what it has subscribed to. A packet that
 * is no known request gets a typed answer if it asked for one, and harms nobody (WIRE5). When the connection ends,
 * everything it opened is closed; the client comes again with its cursors.
 */
import { type ErrorBody, fail, ok, type Result } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import {
  type SocketAnswerBody,
  type SocketPushes,
  type SocketRequest,
  type SocketRequestName,
  socketRequestSchemas,
} from '@holdfast/protocol/socket.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import type { Logger } from 'pino';
import type { DefaultEventsMap, Socket } from 'socket.io';
import type { Application, SubscriberSink, Subscription } from '../application/application.ts';
import type { VerifiedLogin } from '../auth/authentication.ts';
import { unexpectedError } from '../application/unexpected.ts';
import { TokenBucket } from '@holdfast/core/limits/token-bucket.ts';
import type { Metrics } from '../health/metrics.ts';
import { issuesError } from '../http/issues.ts';
import { valueNestsDeeper } from '../http/json-depth.ts';
import { heldSink } from './held-sink.ts';
import { Outgoing } from './outgoing.ts';

/** Per socket. Beyond `requests` at once or the rate a request is refused as rate_limited. */
const allowed = {
  subscriptions: 64,
  requestsUnderWay: 256,
  rate: { capacity: 2_000, refillMs: 2 },
  /** Bytes given to the connection and not taken by it; beyond, it is closed. */
  outgoingBytes: 16 * 1024 * 1024,
} as const;

export type ServerSocket = Socket<DefaultEventsMap, SocketPushes>;

export interface ClientSocketOptions {
  readonly socket: ServerSocket;
  readonly login: VerifiedLogin;
  readonly application: Application;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly serverId: string;
  readonly makeReference: () => string;
}

type Handlers = {
  [N in SocketRequestName]: (
    request: SocketRequest<N>,
    /** Calls right after the answer was sent. */
    afterAnswer: (call: () => void) => void,
  ) => Promise<Result<SocketAnswerBody<N>>>;
};

interface OpenSubscription {
  parsed(offset: number): void;
  stop(): void;
}

export class ClientSocket {
  readonly login: VerifiedLogin;
  readonly #options: ClientSocketOptions;
  readonly #socket: ServerSocket;
  readonly #outgoing: Outgoing;
  readonly #rate = new TokenBucket(allowed.rate, performance.now());
  readonly #subscriptions = new Map<string, OpenSubscription>();
  #unwatch: (() => void) | null = null;
  #underWay = 0;
  #open = true;

  constructor(options: ClientSocketOptions) {
    const { socket, log } = options;
    this.#options = options;
    this.#socket = socket;
    this.login = options.login;
    this.#outgoing = new Outgoing(socket.conn, allowed.outgoingBytes, () => {
      if (!this.#open) return;
      log.warn({ loginId: this.login.loginId }, 'a socket does not take what it is sent: closed');
      this.#comeAgain();
    });
    socket.onAny((name: unknown, ...args: unknown[]) => this.#receive(name, args));
    socket.once('disconnect', () => this.#dispose());
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** The login has ended: the client is told not to come again with it. */
  dismiss(): void {
    this.#dispose();
    this.#socket.disconnect(true);
  }

  #receive(name: unknown, args: unknown[]): void {
    const last = args.at(-1);
    const acknowledge = typeof last === 'function' ? (last as (answer: unknown) => void) : null;
    const values = acknowledge === null ? args : args.slice(0, -1);
    const known = typeof name === 'string' && Object.hasOwn(socketRequestSchemas, name);
    const finish = (answer: { ok: true } | { ok: false; error: ErrorBody }): void => {
      this.#options.metrics.countSocketRequest(known ? name : 'unknown', answer.ok ? 'ok' : answer.error.kind);
      acknowledge?.(answer);
    };
    const parsed = known ? this.#parse(name as SocketRequestName, values) : unknownRequest(name);
    if (!parsed.ok) return finish(parsed);

    const calls: (() => void)[] = [];
    this.#underWay += 1;
    this.#handle(name as SocketRequestName, parsed.value, (call) => calls.push(call))
      .then((result) => finish(result.ok ? { ...result.value, ok: true } : result))
      .catch((error: unknown) => finish(this.#internal(error, name)))
      .finally(() => {
        this.#underWay -= 1;
        for (const call of calls) call();
      })
      .catch((error: unknown) => this.#internal(error, name));
  }

  #parse(name: SocketRequestName, values: unknown[]): Result<unknown> {
    // Credit has no answer and no second try: refusing it would stop the terminal. It costs nearly nothing.
    if (name !== 'parsed') {
      const wait = this.#rate.take(performance.now());
      if (wait > 0) return fail('rate_limited', 'Too many requests. Wait.', { retryAfterMs: wait });
      if (this.#underWay >= allowed.requestsUnderWay) {
        return fail('rate_limited', 'Too many requests at once. Wait for answers.', { retryAfterMs: 100 });
      }
    }
    if (values.length !== 1) return fail('bad_request', 'A request has one value, and a function for the answer.');
    if (valueNestsDeeper(values[0], limits.jsonDepth)) {
      return fail('bad_request', `A request may nest at most ${limits.jsonDepth} deep.`);
    }
    const parsed = socketRequestSchemas[name].safeParse(values[0]);
    if (parsed.success) return ok(parsed.data);
    return { ok: false, error: issuesError(parsed.error.issues) };
  }

  /** The request has been parsed by the schema of its name. */
  async #handle(
    name: SocketRequestName,
    request: unknown,
    afterAnswer: (call: () => void) => void,
  ): Promise<Result<object>> {
    const handler = this.#handlers[name] as (request: unknown, after: typeof afterAnswer) => Promise<Result<object>>;
    return handler(request, afterAnswer);
  }

  readonly #handlers: Handlers = {
    hello: async (request) => {
      if (request.protocolVersion !== protocolVersion) {
        return fail('unsupported_version', `This server speaks version ${protocolVersion}. Load the page again.`, {
          details: { protocolVersion },
        });
      }
      return ok({ protocolVersion, serverId: this.#options.serverId, time: new Date().toISOString() });
    },
    subscribe: (request, afterAnswer) => this.#subscribe(request, afterAnswer),
    unsubscribe: async ({ sessionId }) => {
      this.#subscriptions.get(sessionId)?.stop();
      return ok({});
    },
    command: async ({ sessionId, command }) => {
      const result = await this.#options.application.command(this.login, sessionId, command);
      return result.ok ? ok({ receipt: result.value }) : result;
    },
    input: ({ sessionId, ...input }) => this.#options.application.input(this.login, sessionId, input),
    parsed: async ({ sessionId, offset }) => {
      this.#subscriptions.get(sessionId)?.parsed(offset);
      return ok({});
    },
    watch: async () => {
      this.#unwatch?.();
      this.#unwatch = this.#options.application.watch(this.login, (event) => {
        if (event.type === 'session') this.#socket.emit('session', { session: event.session });
        else this.#socket.emit('sessionDeleted', { sessionId: event.sessionId });
      });
      return ok({});
    },
    ping: async ({ nonce }) => ok({ nonce }),
  };

  async #subscribe(
    request: SocketRequest<'subscribe'>,
    afterAnswer: (call: () => void) => void,
  ): Promise<Result<SocketAnswerBody<'subscribe'>>> {
    const { sessionId } = request;
    this.#subscriptions.get(sessionId)?.stop();
    if (this.#subscriptions.size >= allowed.subscriptions) {
      return fail('quota_exceeded', `One socket may follow ${allowed.subscriptions} sessions.`);
    }
    const held = heldSink(this.#sink(sessionId, () => entry.stop()));
    let subscription: Subscription | null = null;
    let stopped = false;
    const entry: OpenSubscription = {
      parsed: (offset) => subscription?.parsed(offset),
      stop: () => {
        stopped = true;
        held.stop();
        subscription?.close();
        if (this.#subscriptions.get(sessionId) === entry) this.#subscriptions.delete(sessionId);
      },
    };
    this.#subscriptions.set(sessionId, entry);
    const result = await this.#options.application.subscribe(this.login, request, held.sink).catch((error: unknown) => {
      entry.stop();
      throw error;
    });
    if (!result.ok) {
      entry.stop();
      return result;
    }
    subscription = result.value;
    if (stopped) {
      subscription.close();
      return fail('conflict', 'Given up meanwhile for a later request.');
    }
    afterAnswer(() => held.open());
    return ok(subscription.resume);
  }

  #sink(sessionId: string, stop: () => void): SubscriberSink {
    const socket = this.#socket;
    return {
      facts: (facts) => socket.emit('facts', { sessionId, facts: [...facts] }),
      synced: (seq) => socket.emit('synced', { sessionId, seq }),
      preview: (preview) => socket.emit('preview', { sessionId, ...preview }),
      // A view, not a copy: Socket.IO sends Buffers as they are.
      tty: (offset, data) =>
        socket.emit('tty', { sessionId, offset, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) }),
      screen: (screen) => socket.emit('screen', { sessionId, screen }),
      closed: () => {
        stop();
        this.#tellClosed(sessionId).catch((error: unknown) => this.#internal(error, 'closed'));
      },
      congestion: () => this.#outgoing.congestion(),
    };
  }

  /** Nothing more comes although nobody asked for that: the session is gone, or the client has to subscribe again. */
  async #tellClosed(sessionId: string): Promise<void> {
    const session = await this.#options.application.session(this.login, sessionId);
    if (!session.ok && session.error.kind === 'not_found') this.#socket.emit('sessionDeleted', { sessionId });
    else this.#comeAgain();
  }

  /** Ends the connection, not the login: clients connect again by themselves and go on from their cursors. */
  #comeAgain(): void {
    this.#dispose();
    this.#socket.conn.close();
  }

  #dispose(): void {
    this.#open = false;
    for (const subscription of this.#subscriptions.values()) subscription.stop();
    this.#unwatch?.();
    this.#unwatch = null;
  }

  #internal(error: unknown, name: unknown): { ok: false; error: ErrorBody } {
    const { makeReference, log } = this.#options;
    return { ok: false, error: unexpectedError(error, makeReference(), { request: name }, log) };
  }
}

function unknownRequest(name: unknown): { ok: false; error: ErrorBody } {
  return fail('bad_request', `There is no request ${JSON.stringify(String(name).slice(0, 40))}.`);
}
