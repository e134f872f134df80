/**
 * Keystrokes, applied once and in order: each client's input is a stream with offsets, of which the accepted end is
 * remembered. One write is on its way at a time, so that a refused one leaves no hole behind it.
 */
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';

/** Streams remembered; the one unused longest is forgotten first. */
const streamLimit = 256;
/** Bytes waiting while a write is on its way. */
const queueLimit = 1024 * 1024;

export interface InputOptions {
  readonly write: (data: Uint8Array) => Promise<Result<null>>;
  /**
   * A stream not seen before may begin at any offset: an earlier runner has accepted what is before it. Otherwise it
   * must begin at 0.
   */
  readonly adopt: boolean;
}

interface Waiting {
  readonly inputId: string;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly answer: (result: Result<number>) => void;
}

export class InputStreams {
  readonly #write: InputOptions['write'];
  #adopt: boolean;
  /** By inputId: all before this offset is applied. In order of use. */
  readonly #accepted = new Map<string, number>();
  #queue: Waiting[] = [];
  #queued = 0;
  #writing = false;

  constructor(options: InputOptions) {
    this.#write = options.write;
    this.#adopt = options.adopt;
  }

  /**
   * answer gets the offset up to which the stream is applied: after the write, also for what was applied before. An
   * idle stream writes before this returns. conflict: bytes before `offset` are missing (details.accepted says from
   * where to send again); rate_limited: too much is waiting.
   */
  offer(inputId: string, offset: number, data: Uint8Array, answer: (result: Result<number>) => void): void {
    const waiting = { inputId, offset, data, answer };
    if (!this.#writing) {
      this.#apply(waiting);
    } else if (this.#queued + data.length > queueLimit) {
      answer(fail('rate_limited', 'the terminal does not take its input', { retryAfterMs: 100 }));
    } else {
      this.#queued += data.length;
      this.#queue.push(waiting);
    }
  }

  #apply({ inputId, offset, data, answer }: Waiting): void {
    const accepted = this.#accepted.get(inputId) ?? (this.#adopt ? offset : 0);
    if (offset > accepted) {
      answer(fail('conflict', 'input before this is missing', { details: { accepted } }));
      return;
    }
    const end = offset + data.length;
    if (end <= accepted) {
      this.#remember(inputId, accepted);
      answer(ok(accepted));
      return;
    }
    this.#writing = true;
    const written = (result: Result<null>): void => {
      if (result.ok) this.#remember(inputId, end);
      answer(result.ok ? ok(end) : result);
      this.#writing = false;
      this.#next();
    };
    this.#write(data.subarray(accepted - offset)).then(written, (error: unknown) =>
      written(fail('internal', error instanceof Error ? error.message : String(error))),
    );
  }

  #next(): void {
    while (!this.#writing) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      this.#queued -= waiting.data.length;
      this.#apply(waiting);
    }
  }

  #remember(inputId: string, accepted: number): void {
    this.#accepted.delete(inputId);
    this.#accepted.set(inputId, accepted);
    if (this.#accepted.size <= streamLimit) return;
    for (const [oldest] of this.#accepted) {
      this.#accepted.delete(oldest);
      // From now on an unknown stream may be one that was forgotten: to adopt it could apply keys twice.
      this.#adopt = false;
      return;
    }
  }
}
