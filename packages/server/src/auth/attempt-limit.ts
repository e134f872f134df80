/** How often one address may try to guess something. Memory is bounded by the table's. */
import { isIPv6 } from 'node:net';
import { BucketTable } from '@holdfast/core/limits/bucket-table.ts';
import type { BucketSize } from '@holdfast/core/limits/token-bucket.ts';

export class AttemptLimit {
  readonly #buckets: BucketTable;
  readonly #now: () => number;

  constructor(size: BucketSize, now: () => number) {
    this.#buckets = new BucketTable(size);
    this.#now = now;
  }

  /** Milliseconds until this address may try again; 0: now. */
  waitMs(address: string): number {
    return this.#buckets.waitMs(addressBlock(address), this.#now());
  }

  /** Counts one attempt. Answers like waitMs; an attempt that has to wait is not counted again. */
  take(address: string): number {
    return this.#buckets.take(addressBlock(address), this.#now());
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
