import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type Upload,
  type UploadLimits,
  type UploadUse,
  decidePiece,
  isComplete,
  uploadLimits,
} from '../../src/upload/decide-piece.ts';

const nothing: UploadUse = { sessionUploads: 0, sessionUploadBytes: 0, userUploads: 0, userUploadBytes: 0 };
const off: UploadLimits = { uploadBytes: 0, ...nothing };
const file = { name: 'a.txt', mediaType: 'text/plain', size: 10 };
const piece = (offset: number, length: number) => ({ ...file, offset, length });

const taken = (current: Upload | null, offset: number, length: number, use = nothing, limits = off) =>
  decidePiece(current, piece(offset, length), use, limits);

it('UPLOAD1: the next piece is taken, one that is there changes nothing, the rest of one that overlaps is taken', () => {
  expect(taken(null, 0, 4)).toEqual({ ok: true, value: { upload: { ...file, offset: 4 }, skip: 0 } });
  const four = { ...file, offset: 4 };
  expect(taken(four, 0, 4)).toEqual({ ok: true, value: { upload: four, skip: 4 } });
  expect(taken(four, 1, 2)).toEqual({ ok: true, value: { upload: four, skip: 2 } });
  expect(taken(four, 2, 6)).toEqual({ ok: true, value: { upload: { ...file, offset: 8 }, skip: 2 } });
  expect(taken({ ...file, offset: 10 }, 0, 10)).toMatchObject({ value: { upload: { offset: 10 }, skip: 10 } });
});

it('UPLOAD1: a gap is refused with the place to go on from', () => {
  expect(taken({ ...file, offset: 4 }, 5, 1)).toMatchObject({
    error: { kind: 'conflict', details: { offset: 4 } },
  });
  expect(taken(null, 1, 1)).toMatchObject({ error: { kind: 'conflict', details: { offset: 0 } } });
});

it('UPLOAD1: another file under the same id is refused', () => {
  const four = { ...file, offset: 4 };
  for (const other of [{ name: 'b.txt' }, { mediaType: 'text/html' }, { size: 11 }]) {
    const result = decidePiece(four, { ...piece(4, 1), ...other }, nothing, off);
    expect(result).toMatchObject({ error: { kind: 'conflict' } });
    expect(result).not.toHaveProperty('error.details');
  }
});

it('UPLOAD3: more than its size is refused', () => {
  expect(taken({ ...file, offset: 8 }, 8, 3)).toMatchObject({ error: { kind: 'bad_request' } });
  expect(taken(null, 0, 11)).toMatchObject({ error: { kind: 'bad_request' } });
});

it('UPLOAD3: size, number and bytes are limited, and a refusal says what is the limit and how much is used', () => {
  const limits = uploadLimits(10);
  expect(limits).toMatchObject({ sessionUploadBytes: 100, userUploadBytes: 400 });
  expect(taken(null, 0, 1, nothing, { ...limits, uploadBytes: 9 })).toMatchObject({
    error: { kind: 'payload_too_large', details: { limit: 9, current: 10 } },
  });
  const over: Partial<UploadUse>[] = [
    { sessionUploads: limits.sessionUploads },
    { userUploads: limits.userUploads },
    { sessionUploadBytes: 91 },
    { userUploadBytes: 391 },
  ];
  for (const use of over) {
    const [[quota, current] = ['', 0]] = Object.entries(use);
    expect(taken(null, 0, 1, { ...nothing, ...use }, limits)).toMatchObject({
      error: { kind: 'quota_exceeded', details: { quota, current, limit: limits[quota as keyof UploadUse] } },
    });
  }
  const full: UploadUse = { sessionUploads: 199, userUploads: 999, sessionUploadBytes: 90, userUploadBytes: 390 };
  expect(taken(null, 0, 1, full, limits).ok).toBe(true);
  // What has begun may go on, and 0 switches a limit off.
  expect(taken({ ...file, offset: 1 }, 1, 1, { ...full, sessionUploads: 500 }, limits).ok).toBe(true);
  expect(taken(null, 0, 1, { ...full, userUploads: 10_000 }, off).ok).toBe(true);
});

it('UPLOAD1: pieces in whatever order and however often add up to the file, each byte once', () => {
  const size = 40;
  const pieces = fc.array(fc.record({ offset: fc.nat(size), length: fc.nat(12) }), { maxLength: 80 });
  fc.assert(
    fc.property(pieces, (asked) => {
      let upload: Upload | null = null;
      const written: number[] = [];
      for (const { offset, length } of [
        ...asked,
        ...Array.from({ length: size }, (_, at) => ({ offset: at, length: 1 })),
      ]) {
        const before: number = upload?.offset ?? 0;
        const decided = decidePiece(upload, { ...file, size, offset, length }, nothing, off);
        if (!decided.ok) continue;
        for (let at = offset + decided.value.skip; at < offset + length; at += 1) written.push(at);
        upload = decided.value.upload;
        expect(upload.offset).toBeGreaterThanOrEqual(before);
      }
      expect(written).toEqual(Array.from({ length: size }, (_, at) => at));
      expect(upload !== null && isComplete(upload)).toBe(true);
    }),
  );
});
