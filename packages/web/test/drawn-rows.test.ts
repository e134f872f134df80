import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type StretchEnd, drawnRows, earlier, later, mostRows } from '#lib/agent/drawn-rows.ts';
import type { TranscriptRow } from '#lib/agent/transcript-rows.ts';

const row = (seq: number): TranscriptRow => ({
  type: 'item',
  key: `block:${seq}`,
  item: {
    ...{ type: 'assistant', kind: 'text', key: `block:${seq}`, seq, at: '2026-11-21T10:00:00.000Z' },
    ...{ blockId: String(seq), turnId: 't1', text: String(seq), partial: false },
  },
});
const rowsFrom = (first: number, last: number): TranscriptRow[] =>
  Array.from({ length: last - first + 1 }, (_, index) => row(first + index));

it('PAGE9: going back to the beginning and on to the end draws every row, in order, never more than the most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000 }), (count) => {
      const rows = rowsFrom(1, count);
      const seen = new Set<TranscriptRow>();
      let last: StretchEnd = null;
      const look = (): number => {
        const drawn = drawnRows(rows, last);
        expect(drawn.rows.length).toBe(Math.min(count, mostRows));
        expect([...rows.slice(0, drawn.above), ...drawn.rows, ...rows.slice(count - drawn.below)]).toEqual(rows);
        for (const each of drawn.rows) seen.add(each);
        return drawn.above;
      };
      while (look() > 0) last = earlier(rows, last);
      expect(seen.size).toBe(count);
      seen.clear();
      for (look(); last !== null; look()) last = later(rows, last);
      expect(seen.size).toBe(count);
    }),
    { numRuns: 50 },
  );
});

it('PAGE9: what is drawn stays when older parts are read and new ones come; at the end the newest come along', () => {
  const rows = rowsFrom(1_000, 2_000);
  const last = earlier(rows, null);
  const before = drawnRows(rows, last);
  expect(before.below).toBe(200);
  const more = drawnRows([...rowsFrom(500, 999), ...rows, ...rowsFrom(2_001, 2_100)], last);
  expect(more.rows.map(({ key }) => key)).toEqual(before.rows.map(({ key }) => key));
  expect(drawnRows([...rows, row(2_001)], null).rows.at(-1)?.key).toBe('block:2001');
});
