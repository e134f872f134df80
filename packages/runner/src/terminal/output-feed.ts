/**
 * A terminal's output on its way to the server: sent at once while there is credit, from the ring when credit comes
 * back. Holds no bytes of its own.
 */
import type { ByteRing } from '@holdfast/core/stream/byte-ring.ts';

export interface OutputSink {
  /** Output will begin (or go on) at `first`; what the server has before that does not connect to it. */
  opened(first: number): void;
  /** `data` is the receiver's to keep, not to change. */
  output(offset: number, data: Uint8Array): void;
}

/** Bytes sent and not yet taken by the server. */
const window = 1024 * 1024;
/** Largest block sent from the ring. */
const block = 64 * 1024;

export class OutputFeed {
  readonly #ring: ByteRing;
  #sink: OutputSink | null = null;
  /** Offset of the next byte to send. */
  #next = 0;
  #taken = 0;

  constructor(ring: ByteRing) {
    this.#ring = ring;
  }

  /** from: next byte wanted; null: from now on. Replaces what was open. */
  open(from: number | null, sink: OutputSink): void {
    this.#sink = sink;
    const wanted = from ?? this.#ring.end;
    this.#begin(Math.min(Math.max(wanted, this.#ring.start), this.#ring.end));
    this.#pump();
  }

  close(): void {
    this.#sink = null;
  }

  taken(offset: number): void {
    if (this.#sink === null || offset <= this.#taken) return;
    this.#taken = Math.min(offset, this.#next);
    this.#pump();
  }

  /** `data` has just been put into the ring at `offset`. */
  appended(offset: number, data: Uint8Array): void {
    if (this.#sink === null) return;
    if (offset === this.#next && offset + data.length - this.#taken <= window) {
      this.#next += data.length;
      this.#sink.output(offset, data);
    } else {
      this.#pump();
    }
  }

  /** The ring was reset: output goes on at its end. */
  broken(): void {
    if (this.#sink !== null) this.#begin(this.#ring.end);
  }

  #begin(first: number): void {
    this.#next = first;
    this.#taken = first;
    this.#sink?.opened(first);
  }

  #pump(): void {
    while (this.#sink !== null && this.#next < this.#ring.end) {
      const credit = window - (this.#next - this.#taken);
      if (credit <= 0) return;
      // Only with credit: while there is none, nothing is gained by moving on early.
      if (this.#next < this.#ring.start) this.#begin(this.#ring.start);
      const data = this.#ring.read(this.#next, Math.min(block, window - (this.#next - this.#taken)));
      if (data === null) return;
      const offset = this.#next;
      this.#next += data.length;
      this.#sink.output(offset, data);
    }
  }
}
