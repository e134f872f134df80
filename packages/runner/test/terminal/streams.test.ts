import { describe, expect, it } from 'vitest';
import { ByteRing } from '@holdfast/core/stream/byte-ring.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { OutputFeed } from '@holdfast/runner/terminal/output-feed.ts';

const bytes = (length: number, first = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (first + index) % 251);

describe('output to the server', () => {
  const mebibyte = 1024 * 1024;
  function opened() {
    const ring = new ByteRing(mebibyte);
    let now = 0;
    const feed = new OutputFeed(ring, () => now);
    const told: (number | string)[] = [];
    let last = 0;
    const append = (data: Uint8Array): void => {
      const offset = ring.end;
      ring.append(data);
      feed.appended(offset, data);
    };
    const open = (from: number | null): void =>
      feed.open(from, {
        opened: (first) => {
          told.push(`opened ${first}`);
          last = first;
        },
        output: (offset, data) => {
          expect(offset).toBe(last);
          expect(Buffer.compare(data, bytes(data.length, offset))).toBe(0);
          last = offset + data.length;
          told.push(data.length);
        },
      });
    const pass = (ms: number): void => void (now += ms);
    return { ring, feed, told, append, open, pass, sent: () => last };
  }

  it('STREAM4: sends at once while there is credit, then waits, then goes on from the ring', () => {
    const { feed, told, append, open, sent } = opened();
    append(bytes(10));
    open(4);
    expect(told).toEqual(['opened 4', 6]);
    append(bytes(3, 10));
    expect(told).toEqual(['opened 4', 6, 3]);
    for (let block = 0; block < 15; block += 1) append(bytes(64 * 1024, 13 + block * 64 * 1024));
    expect(sent()).toBe(4 + limits.creditFloor);
    // A quick server is soon given all there is.
    for (let turn = 0; turn < 3; turn += 1) feed.taken(sent());
    expect(sent()).toBe(13 + 15 * 64 * 1024);
  });

  it('STREAM2: a server that stays away from a flood is told where it goes on', () => {
    const { ring, feed, told, append, open, sent } = opened();
    open(null);
    for (let block = 0; block < 64; block += 1) append(bytes(64 * 1024, block * 64 * 1024));
    expect(sent()).toBe(limits.creditFloor);
    // What it has not taken counts: nothing is gained by moving on before.
    feed.taken(10);
    expect(told).not.toContain(`opened ${ring.end}`);
    feed.taken(limits.creditFloor);
    expect(told.at(-1)).toBe(`opened ${ring.end}`);
    append(bytes(7, ring.end));
    expect(sent()).toBe(ring.end);
    feed.close();
    append(bytes(5, ring.end));
    expect(sent()).toBe(ring.end - 5);
  });

  it('STREAM4: a slow link carries about a second of output, and of a flood what is not late', () => {
    const { ring, feed, told, append, open, pass, sent } = opened();
    open(null);
    let taken = 0;
    let most = 0;
    const jumps = (): string[] => told.filter((what) => typeof what === 'string');
    // 125 bytes in a millisecond. What is printed in a second: first less than that, then a flood.
    for (const printed of [100_000, 100_000, 100_000, 100_000, 1_000_000, 1_000_000, 1_000_000]) {
      for (let part = 0; part < 100; part += 1) {
        append(bytes(printed / 100, ring.end));
        pass(10);
        taken = Math.max(taken, Number(jumps().at(-1)?.slice('opened '.length)));
        most = Math.max(most, sent() - taken);
        taken = Math.min(taken + 1_250, sent());
        feed.taken(taken);
      }
      if (printed === 100_000) expect(jumps()).toEqual(['opened 0']);
    }
    expect(most).toBeLessThan(150_000);
    // Never further behind than 2 s of the link or a quarter of what is kept, and what is on its way then.
    expect(ring.end - taken).toBeLessThan(2 * 125_000 + 150_000 + mebibyte / 4);
    expect(jumps().length).toBeGreaterThan(2);
  });
});
