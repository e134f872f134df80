/** All open event streams of this server: who may have one, how long it lives, and that nothing of it is left. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '@holdfast/link/client-interface.ts';
import type { FastifyReply } from 'fastify';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import type { Application, SubscribeRequest } from '../application/application.ts';
import type { Authentication, Credentials, VerifiedLogin } from '../auth/authentication.ts';
import type { Drain } from '../health/drain.ts';
import { heldSink } from '../socket/held-sink.ts';
import { EventStream } from './event-stream.ts';
import { EventWriter } from './event-writer.ts';
import { Refused, valueOf } from './refused.ts';
import { StreamLife } from './stream-life.ts';

const perLogin = 64;

export interface EventStreamsOptions {
  readonly application: Application;
  readonly authentication: Authentication;
  readonly drain: Drain;
  readonly clock: Clock;
  /** Names this server process to clients. */
  readonly serverId: string;
}

export interface Reader {
  readonly login: VerifiedLogin;
  readonly from: Credentials;
}

interface OpenStream {
  readonly loginId: string;
  /** null: of changes. */
  readonly sessionId: string | null;
  readonly writer: EventWriter;
  readonly life: StreamLife;
  /** Gives back credit for a terminal's output. */
  parsed(offset: number): void;
}

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #open = new Map<string, OpenStream>();
  readonly #forget: () => void;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
    this.#forget = options.authentication.onEnded((loginId) => {
      for (const stream of this.#open.values()) if (stream.loginId === loginId) stream.writer.end();
    });
    options.drain.add({
      tell: (withinMs) => this.#open.forEach(({ writer }) => writer.event('drain', { withinMs })),
      open: () => this.#open.size,
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

    const { streamId, life } = this.#begin(reply, reader, writer, stopping, {
      sessionId,
      parsed: (offset) => subscription.parsed(offset),
    });
    stream.resume(subscription, streamId);
    life.begin();
    held.open();
  }

  /** As session(), of the descriptors of the login's sessions as they change. */
  changes(reply: FastifyReply, reader: Reader): void {
    this.#admit(reader.login);
    const { application, clock, serverId } = this.#options;
    const stopping: (() => void)[] = [];
    const writer = new EventWriter(reply.raw, () => stopping.forEach((stop) => stop()));
    const { life } = this.#begin(reply, reader, writer, stopping, { sessionId: null, parsed: () => undefined });
    writer.retry();
    writer.event('hello', { protocolVersion, serverId, time: clock.time() });
    life.begin();
    stopping.push(
      application.watch(reader.login, (event) => {
        if (event.type === 'session') writer.event('session', event.session);
        else writer.event('deleted', { sessionId: event.sessionId });
      }),
    );
  }

  /** Credit for a stream that has ended meanwhile, or is not this login's, changes nothing. */
  parsed(login: VerifiedLogin, sessionId: string, streamId: string, offset: number): void {
    const stream = this.#of(login, streamId);
    if (stream?.sessionId !== sessionId) return;
    stream.life.heard();
    stream.parsed(offset);
  }

  /** As parsed(): the client of the stream is there. */
  heartbeat(login: VerifiedLogin, streamId: string, nonce: string): void {
    this.#of(login, streamId)?.life.answered(nonce);
  }

  close(): void {
    this.#forget();
    for (const { writer } of this.#open.values()) writer.end();
  }

  #of(login: VerifiedLogin, streamId: string): OpenStream | null {
    const stream = this.#open.get(streamId);
    return stream?.loginId === login.loginId ? stream : null;
  }

  #admit(login: VerifiedLogin): void {
    const { refusal } = this.#options.drain;
    if (refusal !== null) throw new Refused(refusal);
    if ([...this.#open.values()].filter((stream) => stream.loginId === login.loginId).length >= perLogin) {
      throw new Refused({ kind: 'quota_exceeded', message: `One login may have ${perLogin} event streams open.` });
    }
  }

  #begin(
    reply: FastifyReply,
    reader: Reader,
    writer: EventWriter,
    stopping: (() => void)[],
    about: Pick<OpenStream, 'sessionId' | 'parsed'>,
  ): { streamId: string; life: StreamLife } {
    const streamId = randomUUID();
    const { clock } = this.#options;
    const life = new StreamLife({ streamId, writer, clock, beat: () => this.#recheck(writer, reader.from) });
    this.#open.set(streamId, { ...about, loginId: reader.login.loginId, writer, life });
    stopping.push(
      () => life.stop(),
      () => this.#open.delete(streamId),
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
    return { streamId, life };
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
