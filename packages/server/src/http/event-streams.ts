/** All open event streams of this server: who may have one, how long it lives, and that nothing of it is left. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import type { Application, SubscribeRequest } from '../application/application.ts';
import type { Authentication, Credentials, VerifiedLogin } from '../auth/authentication.ts';
import { heldSink } from '../socket/held-sink.ts';
import { EventStream } from './event-stream.ts';
import { EventWriter } from './event-writer.ts';
import { Refused, valueOf } from './refused.ts';

const perLogin = 64;

export interface EventStreamsOptions {
  readonly application: Application;
  readonly authentication: Authentication;
  readonly heartbeatMs: number;
}

export interface Reader {
  readonly login: VerifiedLogin;
  readonly from: Credentials;
}

interface OpenStream {
  readonly loginId: string;
  end(): void;
}

/** Where credit for a session's output is given back. */
interface SessionStream {
  readonly loginId: string;
  readonly sessionId: string;
  parsed(offset: number): void;
}

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #open = new Set<OpenStream>();
  readonly #sessions = new Map<string, SessionStream>();
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
  async session(reply: FastifyReply, reader: Reader, request: SubscribeRequest): Promise<void> {
    this.#admit(reader.login);
    const { sessionId } = request;
    const response = reply.raw;
    const stopping: (() => void)[] = [];
    const writer = new EventWriter(response, () => stopping.forEach((stop) => stop()));
    const stream = new EventStream(writer, () => this.#closed(writer, reader.login, sessionId));
    const held = heldSink(stream);
    const subscription = valueOf(await this.#options.application.subscribe(reader.login, request, held.sink));
    stopping.push(
      () => held.stop(),
      () => subscription.close(),
    );
    // The client left meanwhile: nobody will end the stream again.
    if (response.destroyed) return stopping.forEach((stop) => stop());

    const streamId = randomUUID();
    this.#sessions.set(streamId, {
      loginId: reader.login.loginId,
      sessionId,
      parsed: (offset) => subscription.parsed(offset),
    });
    stopping.push(() => this.#sessions.delete(streamId));
    this.#begin(reply, reader, writer, stopping);
    stream.resume(subscription, streamId);
    held.open();
  }

  /** As session(), of the descriptors of the login's sessions as they change. */
  changes(reply: FastifyReply, reader: Reader): void {
    this.#admit(reader.login);
    const stopping: (() => void)[] = [];
    const writer = new EventWriter(reply.raw, () => stopping.forEach((stop) => stop()));
    this.#begin(reply, reader, writer, stopping);
    writer.retry();
    writer.event('hello', { protocolVersion, time: new Date().toISOString() });
    stopping.push(
      this.#options.application.watch(reader.login, (event) => {
        if (event.type === 'session') writer.event('session', event.session);
        else writer.event('deleted', { sessionId: event.sessionId });
      }),
    );
  }

  /** Credit for a stream that has ended meanwhile, or is not this login's, changes nothing. */
  parsed(login: VerifiedLogin, sessionId: string, streamId: string, offset: number): void {
    const stream = this.#sessions.get(streamId);
    if (stream?.loginId === login.loginId && stream.sessionId === sessionId) stream.parsed(offset);
  }

  close(): void {
    this.#forget();
    for (const stream of this.#open) stream.end();
  }

  #admit(login: VerifiedLogin): void {
    if ([...this.#open].filter((stream) => stream.loginId === login.loginId).length >= perLogin) {
      throw new Refused({ kind: 'quota_exceeded', message: `One login may have ${perLogin} event streams open.` });
    }
  }

  #begin(reply: FastifyReply, reader: Reader, writer: EventWriter, stopping: (() => void)[]): void {
    const entry: OpenStream = { loginId: reader.login.loginId, end: () => writer.end() };
    this.#open.add(entry);
    const heartbeat = setInterval(() => {
      writer.event('heartbeat', { at: new Date().toISOString() });
      this.#recheck(writer, reader.from);
    }, this.#options.heartbeatMs);
    stopping.push(
      () => clearInterval(heartbeat),
      () => this.#open.delete(entry),
    );

    const response = reply.raw;
    reply.hijack();
    reply.header('content-type', 'text/event-stream; charset=utf-8');
    reply.header('cache-control', 'no-cache, no-transform');
    // A proxy that collects the answer before it passes it on would keep everything back.
    reply.header('x-accel-buffering', 'no');
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) response.setHeader(name, value);
    }
    response.writeHead(200);
  }

  /** The session is gone, which is told, or its feed could not go on: then the client comes again with its cursor. */
  #closed(writer: EventWriter, login: VerifiedLogin, sessionId: string): void {
    this.#options.application
      .session(login, sessionId)
      .then((session) => {
        if (!session.ok && session.error.kind === 'not_found') writer.event('deleted', { sessionId });
        writer.end();
      })
      .catch(() => writer.end());
  }

  #recheck(writer: EventWriter, from: Credentials): void {
    this.#options.authentication
      .login(from)
      .then((result) => {
        if (!result.ok && result.error.kind === 'unauthenticated') writer.end();
      })
      .catch(() => writer.end());
  }
}
