/** How often one address may try to guess something. Memory is bounded: beyond `addresses` the least recent is forgotten. */
import { isIPv6 } from 'node:net';
import { type BucketSize, TokenBucket } from './token-bucket.ts';

const addresses = 10_000;

export class AttemptLimit {
  readonly #size: BucketSize;
  readonly #now: () => number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(size: BucketSize, now: () => number) {
    this.#size = size;
    this.#now = now;
  }

  /** Milliseconds until this address may try again; 0: now. */
  waitMs(address: string): number {
    return this.#buckets.get(addressBlock(address))?.waitMs(this.#now()) ?? 0;
  }

  /** Counts one attempt. Answers like waitMs; an attempt that has to wait is not counted again. */
  take(address: string): number {
    const key = addressBlock(address);
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#size, now);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > addresses) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return bucket.take(now);
  }
}

/** Whoever has one IPv6 address usually has all of its /64. */
export function addressBlock(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.split('::');
  const left = head.split(':').filter((group) => group !== '');
  const right = tail.split(':').filter((group) => group !== '');
  const zeros = address.includes('::') ? Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0') : [];
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`;
}
