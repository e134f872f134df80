/** Texts of the screens that are seen somewhere on the page: one is asked for at a time, each at most every few seconds. */
import type { Result } from '@holdfast/protocol/error.ts';

/** Between two looks at the same screen, and after one that failed, ms. */
const pauses = { look: 3_000, failure: 10_000 } as const;

export interface ScreenWatchOptions {
  readonly ask: (sessionId: string) => Promise<Result<string>>;
  /** Nobody looks: nothing is asked. */
  readonly hidden: () => boolean;
  /** Calls once after so many ms; returns the cancel function. */
  readonly after: (ms: number, call: () => void) => () => void;
}

export class ScreenWatch {
  readonly #options: ScreenWatchOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: ScreenWatchOptions) {
    this.#options = options;
  }

  /** show: what is on the screen now, whenever that was asked. Returns the function that ends it. */
  watch(sessionId: string, show: (text: string) => void): () => void {
    let cancel: (() => void) | null = null;
    let over = false;
    const look = async (): Promise<void> => {
      if (over) return;
      const answer = this.#options.hidden() ? null : await this.#options.ask(sessionId);
      // The other side of the waiting: it may have ended meanwhile.
      if (over as boolean) return;
      if (answer?.ok === true) show(answer.value);
      cancel = this.#options.after(answer?.ok === false ? pauses.failure : pauses.look, queue);
    };
    const queue = (): void => {
      this.#last = this.#last.then(look);
    };
    queue();
    return () => {
      over = true;
      cancel?.();
    };
  }
}
