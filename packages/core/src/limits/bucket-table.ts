/** A token bucket for each name. Memory is bounded: beyond `names` the one used longest ago is forgotten. */
import { type BucketSize, TokenBucket } from './token-bucket.ts';

const names = 10_000;

export class BucketTable {
  readonly #size: BucketSize;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(size: BucketSize) {
    this.#size = size;
  }

  /** Milliseconds until `amount` is allowed under this name; 0: now. */
  waitMs(name: string, now: number, amount = 1): number {
    return this.#buckets.get(name)?.waitMs(now, amount) ?? 0;
  }

  /** What was taken under this name and has not come back yet. */
  used(name: string, now: number): number {
    return this.#buckets.get(name)?.used(now) ?? 0;
  }

  /** Takes `amount` if it is there, else nothing. Answers like waitMs. */
  take(name: string, now: number, amount = 1): number {
    const bucket = this.#buckets.get(name) ?? new TokenBucket(this.#size, now);
    // A map iterates in the order of insertion: the first is the one used longest ago.
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    if (this.#buckets.size > names) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return bucket.take(now, amount);
  }
}
