import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutInput, cutText } from '../../src/agents/cut-text.ts';

describe('text for the wire', () => {
  it('WIRE6: is left alone when it fits; else head and tail are kept, characters whole, and the size of the whole is told', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.integer({ min: 64, max: 300 }), (text, limit) => {
        const cut = cutText(text, limit);
        expect(cut.bytes).toBe(Buffer.byteLength(text));
        expect(cut.cut).toBe(cut.bytes > limit);
        expect(Buffer.byteLength(cut.text)).toBeLessThanOrEqual(limit);
        if (!cut.cut) {
          expect(cut.text).toBe(text);
          return;
        }
        const [head = '', tail = ''] = cut.text.split(/\n… \d+ bytes left out …\n/);
        expect(text.startsWith(head)).toBe(true);
        expect(text.endsWith(tail)).toBe(true);
      }),
    );
  });

  it('WIRE6: a tool’s input of any size and depth stays small', () => {
    let deep: unknown = 'x';
    for (let level = 0; level < 10_000; level += 1) deep = { deep };
    const input = { small: 1, deep, long: 'y'.repeat(10_000_000), many: Array.from({ length: 100_000 }, () => 'z') };
    const cut = cutInput(input, 1_000);
    expect(cut['small']).toBe(1);
    expect(JSON.stringify(cut).length).toBeLessThan(2_000);
    expect(cutInput({ a: [1, { b: 'c' }], d: null })).toEqual({ a: [1, { b: 'c' }], d: null });
  });
});
