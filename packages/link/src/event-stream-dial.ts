/**
 * One attempt at a connection without sockets: changes of sessions and each followed session are event streams, all that
 * is asked is a request of its own. The stream of changes stands for the connection: it opens first, and with its end
 * everything ends.
 */
import { type ErrorBody, type Result, fail, ok } from '@holdfast/protocol/error.ts';
import { commandAnswerSchema, inputAnswerSchema, pingSchema, streamHelloSchema } from '@holdfast/protocol/rest.ts';
import type { SocketAnswerBody, SocketRequest, SocketRequestName } from '@holdfast/protocol/socket.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import type { z } from 'zod';
import { toBase64 } from './base64.ts';
import type { Clock } from './client-interface.ts';
import type { DialEvents, Dialled } from './dial.ts';
import { openEventStream } from './event-stream.ts';
import type { ServerEvent } from './event-stream-parser.ts';
import { FollowedSession, parsed } from './followed-session.ts';
import { InputBatches } from './input-batches.ts';
import { parsePush } from './push.ts';
import { json, refused } from './rest.ts';

export interface EventStreamDialOptions {
  readonly url: string;
  /** API key; without it the browser's cookie is the login. */
  readonly key?: string;
  readonly clock: Clock;
}

type Settle<N extends SocketRequestName> = (answer: Result<SocketAnswerBody<N>>) => void;
type Handlers = { [N in SocketRequestName]: (body: SocketRequest<N>, settle: Settle<N>) => void };

const noAnswer = (): { ok: false; error: ErrorBody } => fail('timeout', 'the server did not answer in time');

export function dialEventStreams(options: EventStreamDialOptions, events: DialEvents): Dialled {
  const { clock } = options;
  const aborter = new AbortController();
  const followed = new Map<string, FollowedSession>();
  const inputs = new Map<string, InputBatches>();
  const timers = new Set<() => void>();
  let opened = false;
  let over = false;
  let watching = false;

  const close = (): void => {
    over = true;
    closeChanges();
    for (const session of followed.values()) session.close();
    for (const cancel of timers) cancel();
    aborter.abort();
  };
  const lost = (error: ErrorBody): void => {
    if (over) return;
    close();
    events.lost(error);
  };

  const ask = (path: string, init: RequestInit): Promise<Response> =>
    fetch(new URL(path, options.url), {
      credentials: 'same-origin',
      ...init,
      headers: {
        ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(init.headers as Record<string, string> | undefined),
      },
    });
  const stream = (path: string) => (signal: AbortSignal) =>
    ask(path, { signal, cache: 'no-store', headers: { accept: 'text/event-stream' } });

  /** Never rejects. timeout: nobody knows whether the server has it. */
  const call = async <T>(path: string, body: unknown, schema: z.ZodType<T> | null): Promise<Result<T | null>> => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await ask(path, { ...init, signal: aborter.signal })
      .then(async (response): Promise<Result<T | null>> => {
        if (!response.ok) return refused(response);
        return schema === null ? ok(null) : json(schema)(response);
      })
      .catch(noAnswer);
    if (!answer.ok && answer.error.kind === 'unauthenticated') lost(answer.error);
    return answer;
  };
  const answering = <T, V>(settle: (answer: Result<V>) => void, value: (answer: T) => V) => {
    return (answer: Result<T | null>): void => {
      if (!answer.ok) settle(answer);
      else if (answer.value !== null) settle(ok(value(answer.value)));
    };
  };
  const address = (sessionId: string, what: string): string => `/api/sessions/${encodeURIComponent(sessionId)}/${what}`;

  const handlers: Handlers = {
    hello: (_body, settle) => settle(fail('conflict', 'the stream of changes has said it already')),
    subscribe: ({ sessionId, after, tty }, settle) => {
      followed.get(sessionId)?.close();
      const output = tty === undefined ? '' : `&tty=${tty.from ?? 'screen'}`;
      const session = new FollowedSession(sessionId, {
        clock,
        ask: stream(address(sessionId, `events?after=${after ?? 'tail'}${output}`)),
        tellParsed: (streamId, offset) => call(address(sessionId, 'parsed'), { streamId, offset }, null),
        answered: (answer) => {
          if (!answer.ok && followed.get(sessionId) === session) followed.delete(sessionId);
          if (!answer.ok && answer.error.kind === 'unauthenticated') return lost(answer.error);
          settle(answer);
        },
        heard: () => events.heard(),
        pushed: (push) => events.pushed(push),
        lost,
      });
      followed.set(sessionId, session);
    },
    unsubscribe: ({ sessionId }, settle) => {
      followed.get(sessionId)?.close();
      followed.delete(sessionId);
      settle(ok({}));
    },
    command: ({ sessionId, command }, settle) => {
      void call(address(sessionId, 'commands'), command, commandAnswerSchema).then(answering(settle, (value) => value));
    },
    input: ({ sessionId, ...block }, settle) => {
      const batches =
        inputs.get(sessionId) ??
        new InputBatches(async ({ data, ...place }) => {
          const answer = await call(address(sessionId, 'input'), { ...place, data: toBase64(data) }, inputAnswerSchema);
          return answer.ok && answer.value !== null ? ok(answer.value) : answer.ok ? noAnswer() : answer;
        });
      inputs.set(sessionId, batches);
      batches.add(block, settle);
    },
    parsed: ({ sessionId, offset }, settle) => {
      followed.get(sessionId)?.parsed(offset);
      settle(ok({}));
    },
    watch: (_body, settle) => {
      watching = true;
      settle(ok({}));
    },
    ping: ({ nonce }, settle) => {
      void call(`/api/ping?nonce=${encodeURIComponent(nonce)}`, undefined, pingSchema).then(
        answering(settle, (value) => value),
      );
    },
  };

  const request: Dialled['request'] = (name, body, waitMs, answered) => {
    if (over || !opened) return;
    let waiting = true;
    const settle = (answer: Parameters<typeof answered>[0]): void => {
      if (over || !waiting) return;
      waiting = false;
      cancel();
      timers.delete(cancel);
      answered(answer);
    };
    const cancel = clock.after(waitMs, () => settle(noAnswer()));
    timers.add(cancel);
    (handlers[name] as (body: unknown, settle: unknown) => void)(body, settle);
  };

  const received = ({ name, data }: ServerEvent): void => {
    if (over) return;
    const value = parsed(data);
    if (name === 'hello' && !opened) {
      const hello = streamHelloSchema.safeParse(value);
      if (!hello.success || hello.data.protocolVersion !== protocolVersion) {
        return lost({ kind: 'unsupported_version', message: 'the server speaks another version; reload the page' });
      }
      opened = true;
      return events.opened();
    }
    const push =
      name === 'session' && watching
        ? parsePush('session', { session: value })
        : name === 'deleted'
          ? parsePush('sessionDeleted', value)
          : null;
    if (push !== null) events.pushed(push);
  };
  const closeChanges = openEventStream(stream('/api/sessions/changes'), clock, {
    heard: () => events.heard(),
    events: (batch) => batch.forEach(received),
    refused: lost,
    ended: lost,
  });

  return {
    request,
    tell: (name, body) => request(name, body, 0, () => undefined),
    close,
  };
}
