/** Changes of all the login's sessions, for lists. */
import { fullJitter } from '@holdfast/core/client/backoff.ts';
import type { Clock, SessionsEvent } from './client-interface.ts';
import type { Dialled } from './dial.ts';
import type { Push } from './push.ts';

const answerMs = 15_000;
const pause = { base: 1_000, cap: 30_000 };

export class SessionsWatch {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #listeners = new Set<{ tell: (event: SessionsEvent) => void }>();
  #dialled: Dialled | null = null;
  #watching = false;
  #failures = 0;
  #cancelRetry: (() => void) | null = null;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The listener hears `watching` at once if changes are being told already. */
  add(tell: (event: SessionsEvent) => void): () => void {
    const listener = { tell };
    this.#listeners.add(listener);
    if (this.#watching) tell({ type: 'watching' });
    else if (this.#listeners.size === 1) this.#begin();
    return () => void this.#listeners.delete(listener);
  }

  connected(dialled: Dialled): void {
    this.#dialled = dialled;
    this.#failures = 0;
    this.#begin();
  }

  disconnected(): void {
    this.#dialled = null;
    this.#watching = false;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  receive(event: Extract<Push, { type: 'session' | 'sessionDeleted' }>): void {
    this.#tell(event);
  }

  #begin(): void {
    const dialled = this.#dialled;
    if (dialled === null || this.#listeners.size === 0) return;
    dialled.request('watch', {}, answerMs, (answer) => {
      if (this.#watching) return;
      if (answer.ok) {
        this.#watching = true;
        this.#tell({ type: 'watching' });
      } else {
        this.#failures += 1;
        this.#cancelRetry?.();
        this.#cancelRetry = this.#clock.after(fullJitter(this.#failures, this.#random(), pause), () => this.#begin());
      }
    });
  }

  #tell(event: SessionsEvent): void {
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) listener.tell(event);
  }
}
