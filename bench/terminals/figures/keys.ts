/** Typing: one key after the other, each timed until it comes back. */
import { setTimeout as delay } from 'node:timers/promises';
import { Attached } from '../attached.ts';
import type { Address } from '../contestants/contestant.ts';
import { percentile } from '../statistics.ts';

/** Before those that count: code that has not run yet is slow. */
const warmUp = 200;
/** Between two keys, ms. */
const pauseMs = 2;
/** A line is cleared after so many: a shell draws a long one anew. */
const lineLength = 60;
const clearLine = '\x15';

/** Milliseconds of `count` keys in a terminal that echoes; `ready`: what it shows when it does. */
export async function typeKeys(address: Address, ready: string, count: number, line: boolean): Promise<number[]> {
  const client = await Attached.open(address);
  try {
    await client.seen(ready);
    await delay(100);
    const times: number[] = [];
    for (let key = 0; key < warmUp + count; key += 1) {
      await delay(pauseMs);
      const letter = String.fromCharCode(97 + (key % 26));
      const begin = performance.now();
      client.write(letter);
      await client.seen(letter, 10_000);
      if (key >= warmUp) times.push(performance.now() - begin);
      if (!line || key % lineLength !== lineLength - 1) continue;
      client.write(`${clearLine}\r`);
      await client.seen(ready);
    }
    return times;
  } finally {
    client.close();
  }
}

export function spread(times: readonly number[]): { p50: number; p95: number; p99: number } {
  return { p50: percentile(times, 0.5), p95: percentile(times, 0.95), p99: percentile(times, 0.99) };
}
