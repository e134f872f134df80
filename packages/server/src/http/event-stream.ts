/**
 * One session's log as Server-Sent Events. `fact` carries its seq as id, so a client that lost the connection says in
 * Last-Event-ID what it has. A client that does not read is not waited for: beyond a bound the stream ends after what is
 * already written, and the client resumes.
 */
import type { ServerResponse } from 'node:http';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { SubscriberSink, Subscription } from '../application/application.ts';

/** Bytes written that the client's connection has not taken yet. */
const bufferedBytes = 4 * 1024 * 1024;
/** How long an ended stream may take to flush what was written, ms. */
const flushMs = 30_000;
/** What an EventSource waits before it comes again, ms. */
const retryMs = 1_000;

export class EventStream implements SubscriberSink {
  readonly #response: ServerResponse;
  readonly #whenEnded: () => void;
  #ended = false;

  /** whenEnded: called once, when nothing more is to be sent, which may be before all has gone out. */
  constructor(response: ServerResponse, whenEnded: () => void) {
    this.#response = response;
    this.#whenEnded = whenEnded;
    response.once('close', () => this.end());
  }

  resume({ verdict, lastSeq, oldestSeq }: Subscription): void {
    this.#write(`retry: ${retryMs}\n`);
    this.#event('resume', { verdict, lastSeq, oldestSeq });
  }

  facts(facts: readonly Fact[]): void {
    this.#write(facts.map((fact) => `event: fact\nid: ${fact.seq}\ndata: ${JSON.stringify(fact)}\n\n`).join(''));
  }

  synced(seq: number): void {
    this.#event('synced', { seq });
  }

  preview(preview: Preview): void {
    this.#event('preview', preview);
  }

  heartbeat(at: string): void {
    this.#event('heartbeat', { at });
  }

  closed(): void {
    this.end();
  }

  /** Not asked for here: a terminal's bytes are not events. */
  tty(): void {}
  screen(): void {}

  /** Nothing is sent any more; what was written still goes out. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#response.end();
    const giveUp = setTimeout(() => this.#response.destroy(), flushMs);
    giveUp.unref();
    this.#response.once('close', () => clearTimeout(giveUp));
    this.#whenEnded();
  }

  #event(name: string, data: unknown): void {
    this.#write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #write(text: string): void {
    if (this.#ended) return;
    this.#response.write(text);
    if (this.#response.writableLength > bufferedBytes) this.end();
  }
}
