import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptFacts, acceptOutput } from '@holdfast/core/client/cursor.ts';

describe('log cursor', () => {
  it('LOG7: from any pushes, repeated and disordered, only the next facts come out', () => {
    const batches = fc.array(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 12 }), { maxLength: 40 });
    fc.assert(
      fc.property(batches, fc.integer({ min: 0, max: 10 }), (pushed, after) => {
        let cursor = { after };
        const seen: number[] = [];
        for (const batch of pushed) {
          const accepted = acceptFacts(
            cursor,
            batch.map((seq) => ({ seq })),
          );
          seen.push(...accepted.fresh.map(({ seq }) => seq));
          const wanted = new Set(batch);
          if (!accepted.gap) expect(batch.every((seq) => seq <= accepted.cursor.after)).toBe(true);
          else expect(wanted.has(accepted.cursor.after + 1)).toBe(false);
          cursor = accepted.cursor;
        }
        expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => after + 1 + index));
        expect(cursor.after).toBe(after + seen.length);
      }),
    );
  });
});

describe('output cursor', () => {
  it('STREAM1: overlapping blocks come out as the bytes themselves; what leaves a hole is a gap', () => {
    const whole = Uint8Array.from({ length: 200 }, (_, index) => index);
    const block = fc.record({ from: fc.integer({ min: 0, max: 199 }), length: fc.integer({ min: 0, max: 60 }) });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 40 }), (blocks) => {
        let next = 0;
        const out: number[] = [];
        for (const { from, length } of blocks) {
          const accepted = acceptOutput(next, from, whole.subarray(from, from + length));
          expect(accepted.gap).toBe(from > next);
          if (accepted.data.byteLength > 0) expect(accepted.offset).toBe(out.length);
          out.push(...accepted.data);
          next = accepted.next;
        }
        expect(out).toEqual([...whole.subarray(0, next)]);
      }),
    );
  });

  it('STREAM1: with nothing yet, what comes first is the beginning', () => {
    expect(acceptOutput(null, 7, Uint8Array.of(1, 2))).toEqual({
      next: 9,
      offset: 7,
      data: Uint8Array.of(1, 2),
      gap: false,
    });
  });
});
