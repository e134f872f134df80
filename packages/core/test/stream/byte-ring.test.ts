import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteRing } from '../../src/stream/byte-ring.ts';

const blocks = fc.array(fc.uint8Array({ minLength: 0, maxLength: 3_000 }), { maxLength: 60 });

it('STREAM1: hands out exactly what was appended, from every offset kept', () => {
  fc.assert(
    fc.property(blocks, fc.integer({ min: 1, max: 20_000 }), fc.nat(1_000), (parts, limit, start) => {
      const ring = new ByteRing(limit, start);
      for (const part of parts) ring.append(part);
      const all = Buffer.concat(parts);
      expect(ring.end).toBe(start + all.length);
      for (const from of new Set([ring.start, Math.floor((ring.start + ring.end) / 2), ring.end])) {
        const read: Uint8Array[] = [];
        for (let at = from; at < ring.end; at += read.at(-1)?.byteLength ?? 0) {
          read.push(ring.read(at, 700) ?? new Uint8Array());
        }
        expect(Buffer.compare(Buffer.concat(read), all.subarray(from - start))).toBe(0);
        const most = Math.floor((ring.end - from) / 2);
        expect(Buffer.compare(ring.copy(from, most), all.subarray(from - start, from - start + most))).toBe(0);
      }
    }),
    { numRuns: 200 },
  );
});

it('STREAM2: keeps no more than its limit and one block, and answers null for what is gone or to come', () => {
  fc.assert(
    fc.property(blocks, (parts) => {
      const ring = new ByteRing(4_000);
      for (const part of parts) ring.append(part);
      expect(ring.end - ring.start).toBeLessThanOrEqual(4_000 + 8 * 1_024);
      expect(ring.read(ring.start - 1, 10)).toBeNull();
      expect(ring.read(ring.end, 10)).toBeNull();
      expect([ring.copy(ring.start - 1, 10), ring.copy(ring.end, 10)]).toEqual([new Uint8Array(), new Uint8Array()]);
    }),
    { numRuns: 200 },
  );
});

it('STREAM2: many single bytes cost little more than their number', () => {
  const ring = new ByteRing(1_024 * 1_024);
  for (let index = 0; index < 100_000; index += 1) ring.append(Uint8Array.of(index & 255));
  expect(ring.end - ring.start).toBe(100_000);
  expect(ring.read(65_537, 1)?.[0]).toBe(65_537 & 255);
});
