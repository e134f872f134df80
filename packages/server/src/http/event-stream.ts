/**
 * One session as Server-Sent Events. `fact` carries its seq as id, so a client that lost the connection says in
 * Last-Event-ID what it has. Terminal output is `tty` with its bytes as base64, held back beyond the reader's credit.
 */
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { SubscriberSink, Subscription } from '../application/application.ts';
import type { EventWriter } from './event-writer.ts';

export class EventStream implements SubscriberSink {
  readonly #writer: EventWriter;
  readonly #whenClosed: () => void;

  /** whenClosed: nothing more will come although the client did not leave. */
  constructor(writer: EventWriter, whenClosed: () => void) {
    this.#writer = writer;
    this.#whenClosed = whenClosed;
  }

  /** streamId: names this stream where the client tells what its terminal has parsed. */
  resume({ resume }: Subscription, streamId: string): void {
    this.#writer.retry();
    this.#writer.event('resume', { ...resume, streamId });
  }

  facts(facts: readonly Fact[]): void {
    this.#writer.text(facts.map((fact) => `event: fact\nid: ${fact.seq}\ndata: ${JSON.stringify(fact)}\n\n`).join(''));
  }

  synced(seq: number): void {
    this.#writer.event('synced', { seq });
  }

  preview(preview: Preview): void {
    this.#writer.event('preview', preview);
  }

  tty(offset: number, data: Uint8Array): void {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.#writer.event('tty', { offset, data: bytes.toString('base64') });
  }

  screen(screen: Screen): void {
    this.#writer.event('screen', screen);
  }

  closed(): void {
    this.#whenClosed();
  }

  congestion(): Promise<void> | null {
    return this.#writer.congestion();
  }
}
