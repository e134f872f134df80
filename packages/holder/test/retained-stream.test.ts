import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { describe, expect, it } from 'vitest';
import type { Retention, Spill } from '../src/retained-stream.ts';
import { RetainedStream } from '../src/retained-stream.ts';
import { segmentSpill } from '../src/segment-spill.ts';

const noFailure = (error: unknown): void => {
  throw error;
};

/** What it should hold: every byte ever appended, and where what is kept begins. */
class Model {
  all = Buffer.alloc(0);
  start = 0;
}

/** No two places of it look alike. */
function randomBytes(random: ReturnType<typeof seededRandom>, size: number): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  let word = random.integer(2 ** 32);
  for (let index = 0; index < words.length; index++)
    words[index] = word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
  return Buffer.from(words.buffer, 0, size);
}

function compare(stream: RetainedStream, model: Model, random: ReturnType<typeof seededRandom>): void {
  expect(stream.start).toBe(model.start);
  expect(stream.end).toBe(model.all.length);
  if (stream.start === stream.end) return;
  let at = stream.start + random.integer(stream.end - stream.start);
  while (at < stream.end) {
    const limit = 1 + random.integer(100_000);
    const bytes = stream.read(at, limit);
    expect(bytes).not.toBeNull();
    if (bytes === null) return;
    expect(bytes.length).toBeGreaterThan(0);
    expect(bytes.length).toBeLessThanOrEqual(limit);
    expect(model.all.subarray(at, at + bytes.length).equals(bytes)).toBe(true);
    at += bytes.length;
  }
}

function run(seed: number, retention: Retention, openSpill: () => Spill): void {
  const random = seededRandom(seed);
  const stream = new RetainedStream(retention, openSpill);
  const model = new Model();
  const limit = retention.memoryBytes + retention.diskBytes;
  for (let step = 0; step < 120; step++) {
    if (random.next() < 0.7 && !stream.full) {
      const bytes = randomBytes(random, 1 + random.integer(random.pick([10, 3_000, 90_000])));
      stream.append(bytes);
      model.all = Buffer.concat([model.all, bytes]);
      // It is the caller's again: a read buffer is used for the next read.
      bytes.fill(0);
    }
    if (random.next() < 0.2) {
      const offset = random.integer(model.all.length + 100);
      stream.release(offset);
      model.start = Math.max(model.start, Math.min(offset, model.all.length));
    }
    if (retention.whenFull === 'drop') model.start = Math.max(model.start, model.all.length - limit);
    else expect(stream.full).toBe(model.all.length - model.start >= limit);
    compare(stream, model, random);
  }
  stream.dispose();
}

describe('a retained stream', () => {
  const retentions: [string, Retention][] = [
    ['memory only, dropping', { memoryBytes: 64 * 1024, diskBytes: 0, whenFull: 'drop' }],
    ['memory and disk, dropping', { memoryBytes: 100_000, diskBytes: 500_000, whenFull: 'drop' }],
    ['memory and disk, waiting', { memoryBytes: 100_000, diskBytes: 500_000, whenFull: 'wait' }],
  ];
  it.each(retentions)('STREAM1 STREAM2: equals a plain buffer (%s)', (_, retention) => {
    for (let seed = 1; seed <= 12; seed++) {
      using directory = temporaryDirectory();
      run(seed, retention, () => segmentSpill(join(directory.path, 'held'), noFailure));
      expect(existsSync(join(directory.path, 'held'))).toBe(false);
    }
  });

  it('STREAM3: goes to disk beyond memory, comes back exactly, and leaves the disk when released', () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'held');
    const retention: Retention = { memoryBytes: 1 << 20, diskBytes: 64 << 20, whenFull: 'wait' };
    const stream = new RetainedStream(retention, () => segmentSpill(path, noFailure));
    const all = randomBytes(seededRandom(5), 40 << 20);
    for (let at = 0; at < all.length; at += 2_000) stream.append(all.subarray(at, at + 2_000));
    expect(readdirSync(path).length).toBe(3);
    for (let at = 0; at < all.length;) {
      const bytes = stream.read(at, 65_536);
      if (bytes === null) throw new Error('lost');
      expect(all.compare(bytes, 0, bytes.length, at, at + bytes.length)).toBe(0);
      at += bytes.length;
    }
    stream.release(20 << 20);
    expect(readdirSync(path).length).toBe(2);
    stream.release(all.length);
    expect(existsSync(path)).toBe(false);
  });

  it('STREAM3: a disk that takes nothing makes the agent wait and loses nothing', () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'held');
    writeFileSync(path, 'a file where a folder should be');
    const failures: unknown[] = [];
    const retention: Retention = { memoryBytes: 100_000, diskBytes: 500_000, whenFull: 'wait' };
    const stream = new RetainedStream(retention, () => segmentSpill(path, (error) => failures.push(error)));
    const all = randomBytes(seededRandom(6), 200_000);
    stream.append(all);
    expect(failures.length).toBeGreaterThan(0);
    expect(stream.full).toBe(true);
    expect(stream.start).toBe(0);
    expect(Buffer.concat(pieces(stream, 0)).equals(all)).toBe(true);
    rmSync(path);
    stream.release(150_000);
    expect(stream.full).toBe(false);
    stream.append(all);
    expect(Buffer.concat(pieces(stream, 150_000)).equals(Buffer.concat([all.subarray(150_000), all]))).toBe(true);
    stream.dispose();
  });

  it('STREAM2: a disk that takes nothing costs a terminal its oldest output, and its reader is told', () => {
    const stream = new RetainedStream({ memoryBytes: 100_000, diskBytes: 500_000, whenFull: 'drop' }, () => ({
      append: () => false,
      read: () => null,
      trim: () => undefined,
      dispose: () => undefined,
    }));
    const all = randomBytes(seededRandom(7), 400_000);
    stream.append(all);
    expect(stream.start).toBeGreaterThan(0);
    expect(stream.end - stream.start).toBeGreaterThan(30_000);
    expect(stream.end - stream.start).toBeLessThan(200_000);
    expect(Buffer.concat(pieces(stream, stream.start)).equals(all.subarray(stream.start))).toBe(true);
  });

  it('STREAM2: bytes the disk lost are a gap, not an error', () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'held');
    mkdirSync(path);
    const failures: unknown[] = [];
    const stream = new RetainedStream({ memoryBytes: 100_000, diskBytes: 500_000, whenFull: 'drop' }, () =>
      segmentSpill(path, (error) => failures.push(error)),
    );
    stream.append(randomBytes(seededRandom(8), 400_000));
    for (const name of readdirSync(path)) writeFileSync(join(path, name), '');
    expect(stream.read(0, 1_000)).toBeNull();
    expect(failures.length).toBe(1);
    expect(stream.start).toBeGreaterThan(100_000);
    expect(stream.read(stream.start, 1_000)?.length).toBe(1_000);
    stream.dispose();
  });
});

function pieces(stream: RetainedStream, from: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = from; at < stream.end;) {
    const bytes = stream.read(at, 1 << 20);
    if (bytes === null) throw new Error('lost');
    found.push(bytes);
    at += bytes.length;
  }
  return found;
}
