import type { HeldSignal } from './message.ts';
import type { Leftover } from './process.ts';

export interface ChildExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What it left running and was ended. Absent: nothing, or it was not looked for. */
  readonly leftovers?: readonly Leftover[];
}

/** What a running child tells its owner. */
export interface ChildEvents {
  /** Valid only during the call. */
  output(stream: 'out' | 'err', bytes: Uint8Array): void;
  /** No more comes from this stream. */
  finished(stream: 'out' | 'err'): void;
  /** Once, after both streams are finished. */
  exited(exit: ChildExit): void;
}

/** taken: it is the child's, or queued for it in order. full: beyond the queue's bound. closed: it has no input any more. */
export type InputVerdict = 'taken' | 'full' | 'closed';

/** A process on a PTY or on pipes. Used until `exited`. */
export interface Child {
  readonly pid: number;
  /** It has been reaped: its pid may be another's. */
  readonly reaped: boolean;
  /** Of ours, which no other child should inherit; null: none. */
  readonly descriptor: number | null;
  write(bytes: Uint8Array): InputVerdict;
  /** Nothing follows what was written. */
  closeInput(): void;
  resize(cols: number, rows: number): void;
  signal(signal: Exclude<HeldSignal, 'SIGKILL'>): void;
  /** Stop and go on reading its stdout; a PTY's stops for at most 100 ms. */
  pause(): void;
  resume(): void;
}

/** Bytes written to a child that has not read them yet. */
export const inputQueueBytes = 8 * 1024 * 1024;

/** After the exit of a child whose output others still hold open: how often its output is looked at (ms). */
const lingerStep = 200;
/** When it is over at the latest (ms): a background process it left behind may print for ever. */
const lingerLimit = 2_000;

/**
 * Finds out when all that a dead child wrote has been read although others still hold its output open: when a whole
 * pass of the event loop, which reads whatever is readable, brought nothing. Time alone would prove nothing: this
 * process may have been stopped meanwhile.
 */
export class Linger {
  readonly #done: () => void;
  #heard = false;
  #since = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(done: () => void) {
    this.#done = done;
    this.#wait();
  }

  /** Output came. */
  heard(): void {
    this.#heard = true;
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#heard = false;
      setImmediate(() => {
        if (this.#timer === undefined) return;
        if (this.#heard && performance.now() - this.#since < lingerLimit) this.#wait();
        else this.#done();
      });
    }, lingerStep);
  }
}
