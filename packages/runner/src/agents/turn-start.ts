/** A turn on its way to its agent: a new process perhaps, its mode, its message. Bounded in all; Stop shortens it. */
import { type Result, fail } from '@holdfast/protocol/error.ts';
import type { CallClock } from './call-clock.ts';

export class TurnStart {
  readonly turnId: string;
  /** Nothing of it is under way any more. */
  readonly over: Promise<void>;
  readonly #over = Promise.withResolvers<void>();
  readonly #late = Promise.withResolvers<null>();
  readonly #clock: CallClock;
  #cancel: () => void;
  #stopAsked = false;
  #expired = false;

  constructor(turnId: string, clock: CallClock) {
    this.turnId = turnId;
    this.over = this.#over.promise;
    this.#clock = clock;
    this.#cancel = clock.alarm(clock.patience.startMs, () => this.#expire());
  }

  get stopAsked(): boolean {
    return this.#stopAsked;
  }

  /** Its time is over: whatever was asked of a driver may still happen, so its process must end. */
  get expired(): boolean {
    return this.#expired;
  }

  stop(): void {
    if (this.#stopAsked) return;
    this.#stopAsked = true;
    this.#cancel();
    this.#cancel = this.#clock.alarm(this.#clock.patience.stopMs, () => this.#expire());
  }

  /** timeout when its time is over first. */
  async call<T>(work: Promise<Result<T>>): Promise<Result<T>> {
    const result = await Promise.race([work, this.#late.promise]);
    return result ?? fail('timeout', 'The agent did not take the message in time; its process was ended.');
  }

  end(): void {
    this.#cancel();
    this.#over.resolve();
  }

  #expire(): void {
    this.#expired = true;
    this.#late.resolve(null);
  }
}
