import { writeSync } from 'node:fs';
import type { InputVerdict } from './child.ts';
import { inputQueueBytes } from './child.ts';

/** Written to one PTY before others get a turn. */
const turnBytes = 64 * 1024;
/** Milliseconds until a PTY that took nothing is tried again: doubled each time. */
const firstRetry = 1;
const lastRetry = 64;

/**
 * Input for a PTY. Written at once and by ourselves: Node would write it from its thread pool or, when the program
 * does not read, try for ever without letting anybody else run.
 */
export class InputQueue {
  /** Non-blocking; its owner's. */
  readonly #descriptor: number;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #retry = firstRetry;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  write(bytes: Uint8Array): InputVerdict {
    if (this.#closed) return 'closed';
    if (this.#size + bytes.length > inputQueueBytes) return 'full';
    if (bytes.length === 0) return 'taken';
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    if (this.#timer === undefined) this.#flush();
    return 'taken';
  }

  /** The child reads: what it has left unread may fit now. */
  nudge(): void {
    if (this.#size > 0 && this.#retry > firstRetry) this.#schedule(firstRetry);
  }

  /** The descriptor must not be touched any more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#chunks = [];
    this.#size = 0;
  }

  #flush(): void {
    this.#timer = undefined;
    let budget = turnBytes;
    while (this.#chunks[0] !== undefined && budget > 0) {
      const chunk = this.#chunks[0];
      const count = this.#attempt(chunk.subarray(0, budget));
      if (count === null) return;
      this.#retry = firstRetry;
      budget -= count;
      this.#size -= count;
      if (count === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(count);
    }
    if (this.#size > 0) this.#schedule(0);
  }

  /** @returns null: not now, or never again. */
  #attempt(bytes: Uint8Array): number | null {
    try {
      const count = writeSync(this.#descriptor, bytes);
      if (count > 0) return count;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      // EIO: nobody has the terminal open any more; its exit is about to be told.
      if (code !== 'EAGAIN' && code !== 'EINTR') {
        this.close();
        return null;
      }
    }
    this.#schedule(this.#retry);
    this.#retry = Math.min(this.#retry * 2, lastRetry);
    return null;
  }

  #schedule(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), delay);
  }
}
