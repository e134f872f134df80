/** All open event streams of this server: who may have one, how long it lives, and that nothing of it is left. */
import type { FastifyReply } from 'fastify';
import type { Application } from '../application/application.ts';
import type { Authentication, Credentials, VerifiedLogin } from '../auth/authentication.ts';
import { heldSink } from '../socket/held-sink.ts';
import { EventStream } from './event-stream.ts';
import { Refused, valueOf } from './refused.ts';

const perLogin = 64;

export interface EventStreamsOptions {
  readonly application: Application;
  readonly authentication: Authentication;
  readonly heartbeatMs: number;
}

interface OpenStream {
  readonly loginId: string;
  end(): void;
}

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #open = new Set<OpenStream>();
  readonly #forget: () => void;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
    this.#forget = options.authentication.onEnded((loginId) => {
      for (const stream of this.#open) if (stream.loginId === loginId) stream.end();
    });
  }

  get size(): number {
    return this.#open.size;
  }

  /** Takes the reply over and streams until either side ends it. Throws Refused before anything was sent. */
  async start(
    reply: FastifyReply,
    request: { login: VerifiedLogin; from: Credentials; sessionId: string; after: number },
  ): Promise<void> {
    const { login, from, sessionId, after } = request;
    if ([...this.#open].filter((stream) => stream.loginId === login.loginId).length >= perLogin) {
      throw new Refused({ kind: 'quota_exceeded', message: `One login may have ${perLogin} event streams open.` });
    }
    const response = reply.raw;
    const stopping: (() => void)[] = [];
    const stream = new EventStream(response, () => stopping.forEach((stop) => stop()));
    const held = heldSink(stream);
    const subscription = valueOf(await this.#options.application.subscribe(login, { sessionId, after }, held.sink));
    stopping.push(
      () => held.stop(),
      () => subscription.close(),
    );
    // The client left meanwhile: nobody will end the stream again.
    if (response.destroyed) return stopping.forEach((stop) => stop());

    const entry: OpenStream = { loginId: login.loginId, end: () => stream.end() };
    this.#open.add(entry);
    const heartbeat = setInterval(() => {
      stream.heartbeat(new Date().toISOString());
      this.#recheck(stream, from);
    }, this.#options.heartbeatMs);
    stopping.push(
      () => clearInterval(heartbeat),
      () => this.#open.delete(entry),
    );

    reply.hijack();
    reply.header('content-type', 'text/event-stream; charset=utf-8');
    reply.header('cache-control', 'no-cache, no-transform');
    // A proxy that collects the answer before it passes it on would keep everything back.
    reply.header('x-accel-buffering', 'no');
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) response.setHeader(name, value);
    }
    response.writeHead(200);
    stream.resume(subscription);
    held.open();
  }

  close(): void {
    this.#forget();
    for (const stream of this.#open) stream.end();
  }

  #recheck(stream: EventStream, from: Credentials): void {
    this.#options.authentication
      .login(from)
      .then((result) => {
        if (!result.ok && result.error.kind === 'unauthenticated') stream.end();
      })
      .catch(() => stream.end());
  }
}
