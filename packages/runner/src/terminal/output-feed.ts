/**
 * A terminal's output on its way to the server, which is a subscriber like any other: sent at once while it has credit,
 * from the ring when credit comes back, and about a second of what the link was seen to carry, so that nothing else on
 * the link waits long behind it. Holds no bytes of its own.
 */
import type { ByteRing } from '@holdfast/core/stream/byte-ring.ts';
import { nextTtyStep, ttyParsed, ttyReaderAt, ttySent } from '@holdfast/core/stream/tty-reader.ts';

export interface OutputSink {
  /** Output will begin (or go on) at `first`; what the server has before that does not connect to it. */
  opened(first: number): void;
  /** `data` is the receiver's to keep, not to change. */
  output(offset: number, data: Uint8Array): void;
}

/** Largest block sent from the ring. */
const block = 64 * 1024;

export class OutputFeed {
  readonly #ring: ByteRing;
  readonly #now: () => number;
  #sink: OutputSink | null = null;
  #reader = ttyReaderAt(0);

  /** now: monotonic, ms. */
  constructor(ring: ByteRing, now: () => number) {
    this.#ring = ring;
    this.#now = now;
  }

  /** from: next byte wanted; null: from now on. Replaces what was open; what the link carries is not known yet. */
  open(from: number | null, sink: OutputSink): void {
    this.#sink = sink;
    const wanted = from ?? this.#ring.end;
    const first = Math.min(Math.max(wanted, this.#ring.start), this.#ring.end);
    this.#reader = ttyReaderAt(first);
    sink.opened(first);
    this.#pump();
  }

  close(): void {
    this.#sink = null;
  }

  taken(offset: number): void {
    if (this.#sink === null) return;
    this.#reader = ttyParsed(this.#reader, offset, this.#now());
    this.#pump();
  }

  /** `data` has just been put into the ring at `offset`. */
  appended(offset: number, data: Uint8Array): void {
    if (this.#sink === null) return;
    const step = nextTtyStep(this.#reader, this.#ring);
    if (step.do === 'send' && step.from === offset && step.most >= data.byteLength) this.#send(offset, data);
    else this.#pump();
  }

  /** The ring was reset: output goes on at its end. */
  broken(): void {
    this.#moveOn();
  }

  /** The little that goes out next is not what was printed before: whoever is shown a screen waits for it behind that. */
  #moveOn(): void {
    const first = this.#ring.end;
    this.#reader = { ...ttyReaderAt(first), rate: this.#reader.rate };
    this.#sink?.opened(first);
  }

  #send(offset: number, data: Uint8Array): void {
    this.#reader = ttySent(this.#reader, data.byteLength, this.#now());
    this.#sink?.output(offset, data);
  }

  #pump(): void {
    while (this.#sink !== null) {
      const step = nextTtyStep(this.#reader, this.#ring);
      if (step.do === 'wait') return;
      if (step.do === 'screen') {
        // Not before all was taken: what is on its way counts, and nothing is gained by moving on early.
        if (this.#reader.parsed === this.#reader.cursor) this.#moveOn();
        return;
      }
      const data = this.#ring.read(step.from, Math.min(step.most, block));
      if (data === null) return;
      this.#send(step.from, data);
    }
  }
}
