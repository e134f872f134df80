import { describe, expect, it } from 'vitest';
import { ByteRing } from '@holdfast/core/stream/byte-ring.ts';
import { OutputFeed } from '@holdfast/runner/terminal/output-feed.ts';

const bytes = (length: number, first = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (first + index) % 251);

describe('output to the server', () => {
  const mebibyte = 1024 * 1024;
  function opened() {
    const ring = new ByteRing(mebibyte);
    const feed = new OutputFeed(ring);
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
    return { ring, feed, told, append, open, sent: () => last };
  }

  it('STREAM4: sends at once while there is credit, then waits, then goes on from the ring', () => {
    const { feed, told, append, open, sent } = opened();
    append(bytes(10));
    open(4);
    expect(told).toEqual(['opened 4', 6]);
    append(bytes(3, 10));
    expect(told).toEqual(['opened 4', 6, 3]);
    for (let block = 0; block < 20; block += 1) append(bytes(64 * 1024, 13 + block * 64 * 1024));
    expect(sent()).toBe(4 + mebibyte);
    feed.taken(500_000);
    expect(sent()).toBe(13 + 20 * 64 * 1024);
  });

  it('STREAM2: a server that stays away from a flood is told where it goes on', () => {
    const { ring, feed, told, append, open, sent } = opened();
    open(null);
    for (let block = 0; block < 64; block += 1) append(bytes(64 * 1024, block * 64 * 1024));
    expect(sent()).toBe(mebibyte);
    feed.taken(10);
    expect(told).toContain(`opened ${3 * mebibyte}`);
    expect(sent()).toBe(ring.end);
    // Credit for what was sent before the jump changes nothing.
    feed.taken(mebibyte);
    feed.close();
    append(bytes(5, ring.end));
    expect(sent()).toBe(ring.end - 5);
  });
});
