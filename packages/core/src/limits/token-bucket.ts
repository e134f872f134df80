/** Allows `capacity` at once and then one each `refillMs`. Time is given, milliseconds; only differences count. */
export interface BucketSize {
  readonly capacity: number;
  readonly refillMs: number;
}

/** What sums of fractions may be short of a whole. */
const rounding = 1e-6;

export class TokenBucket {
  readonly #size: BucketSize;
  #tokens: number;
  #at: number;

  constructor(size: BucketSize, now: number) {
    this.#size = size;
    this.#tokens = size.capacity;
    this.#at = now;
  }

  /** Milliseconds until `amount` (at most the capacity) is allowed; 0: now. */
  waitMs(now: number, amount = 1): number {
    this.#refill(now);
    const missing = Math.min(amount, this.#size.capacity) - this.#tokens;
    return missing <= rounding ? 0 : Math.ceil(missing * this.#size.refillMs);
  }

  /** Takes `amount` if it is there, else nothing. Answers like waitMs. */
  take(now: number, amount = 1): number {
    const wait = this.waitMs(now, amount);
    if (wait === 0) this.#tokens = Math.max(0, this.#tokens - amount);
    return wait;
  }

  /** What was taken and has not come back yet. */
  used(now: number): number {
    this.#refill(now);
    return this.#size.capacity - this.#tokens;
  }

  #refill(now: number): void {
    const gained = Math.max(0, now - this.#at) / this.#size.refillMs;
    this.#tokens = Math.min(this.#size.capacity, this.#tokens + gained);
    this.#at = now;
  }
}
