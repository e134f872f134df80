import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../../src/agents/acp/lines.ts';

describe('lines of a stream', () => {
  it('STREAM1: are the same however the bytes are cut, and know where they begin and end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 10 }).map((text) => text.replaceAll('\n', ' '))),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        fc.nat(1_000),
        (texts, cuts, from) => {
          const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
          const splitter = new LineSplitter(from, 1_000);
          const lines = [];
          for (let at = 0, index = 0; at < bytes.length; index += 1) {
            const size = cuts[index % cuts.length] ?? 1;
            lines.push(...splitter.push(bytes.subarray(at, at + size)));
            at += size;
          }
          expect(lines.map(({ text }) => text)).toEqual(texts);
          let position = from;
          for (const line of lines) {
            expect(line.start).toBe(position);
            position = line.end;
          }
          expect(splitter.end).toBe(from + bytes.length);
        },
      ),
    );
  });

  it('STREAM2: a line longer than the limit is dropped and the next one is whole', () => {
    const splitter = new LineSplitter(0, 4);
    expect(splitter.push(Buffer.from('12345'))).toEqual([]);
    expect(splitter.push(Buffer.from('678\nabc\n'))).toEqual([
      { start: 0, end: 9, text: null },
      { start: 9, end: 13, text: 'abc' },
    ]);
  });

  it('STREAM2: after a gap the line under way is forgotten', () => {
    const splitter = new LineSplitter(0, 100);
    splitter.push(Buffer.from('lost'));
    splitter.skip(50);
    expect(splitter.push(Buffer.from('kept\n'))).toEqual([{ start: 50, end: 55, text: 'kept' }]);
  });
});
