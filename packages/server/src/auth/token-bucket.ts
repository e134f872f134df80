/** Allows `capacity` at once and then one each `refillMs`. Time is given, milliseconds; only differences count. */
export interface BucketSize {
  readonly capacity: number;
  readonly refillMs: number;
}

export class TokenBucket {
  readonly #size: BucketSize;
  #tokens: number;
  #at: number;

  constructor(size: BucketSize, now: number) {
    this.#size = size;
    this.#tokens = size.capacity;
    this.#at = now;
  }

  /** Milliseconds until the next one is allowed; 0: now. */
  waitMs(now: number): number {
    this.#refill(now);
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * this.#size.refillMs);
  }

  /** Takes one if there is one. Answers like waitMs. */
  take(now: number): number {
    const wait = this.waitMs(now);
    if (wait === 0) this.#tokens -= 1;
    return wait;
  }

  #refill(now: number): void {
    const gained = Math.max(0, now - this.#at) / this.#size.refillMs;
    this.#tokens = Math.min(this.#size.capacity, this.#tokens + gained);
    this.#at = now;
  }
}
