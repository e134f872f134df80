/** Uploads on a real disk: pieces, cuts, limits, age, and everything that may stand in the way. */
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type UploadLimits, uploadLimits } from '@holdfast/core/upload/decide-piece.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { UploadState } from '@holdfast/protocol/upload.ts';
import { type UploadDisk, createUploadDisk } from '@holdfast/runner/uploads/upload-disk.ts';
import { Uploads } from '@holdfast/runner/uploads/uploads.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const dayMs = 24 * 3_600_000;

let directory: ReturnType<typeof temporaryDirectory>;
let root: string;
/** Added to the wall clock, ms. */
/** The newest one's: a day has passed. */
let daily = (): void => undefined;
let ahead = 0;
const running: Uploads[] = [];
beforeEach(() => {
  directory = temporaryDirectory();
  root = join(directory.path, 'uploads');
  ahead = 0;
});
afterEach(() => {
  for (const uploads of running.splice(0)) uploads.close();
  directory[Symbol.dispose]();
});

async function start(
  options: { limits?: UploadLimits; days?: number; disk?: (disk: UploadDisk) => UploadDisk } = {},
): Promise<Uploads> {
  const disk = createUploadDisk(root);
  const uploads = new Uploads({
    disk: options.disk?.(disk) ?? disk,
    limits: options.limits ?? uploadLimits(0),
    days: options.days ?? 0,
    now: () => Date.now() + ahead,
    after: (ms, call) => {
      expect(ms).toBe(dayMs);
      daily = call;
      return () => undefined;
    },
    log: pino({ level: process.env['TEST_LOG'] ?? 'silent' }),
  });
  running.push(uploads);
  await uploads.start();
  return uploads;
}

const text = 'The quick brown fox jumps over the lazy dog';
const bytes = Buffer.from(text);

interface Piece {
  sessionId?: string;
  uploadId?: string;
  ownerId?: string;
  name?: string;
  mediaType?: string;
  size?: number;
  offset?: number;
  data?: Uint8Array;
}

const put = (uploads: Uploads, piece: Piece = {}) =>
  uploads.put({
    type: 'uploadPut',
    sessionId: 's1',
    uploadId: 'u1',
    ownerId: 'ada',
    name: 'fox.txt',
    mediaType: 'text/plain',
    size: bytes.length,
    offset: 0,
    data: bytes,
    ...piece,
  });
const part = (from: number, to: number): Piece => ({ offset: from, data: bytes.subarray(from, to) });
const key = { sessionId: 's1', uploadId: 'u1' };
const attachment = { uploadId: 'u1', name: 'fox.txt', mediaType: 'text/plain', size: bytes.length };

function must(result: Result<{ upload: UploadState }>): UploadState {
  if (!result.ok) throw new Error(`${result.error.kind}: ${result.error.message}`);
  return result.value.upload;
}
const kind = (result: Result<unknown>): string => (result.ok ? 'ok' : result.error.kind);

/** Every file below the root, as paths from it. */
const files = (): string[] =>
  existsSync(root)
    ? readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .sort()
    : [];

describe('pieces', () => {
  it('UPLOAD1: repeated, overlapping, out of order and after a gap, they add up to the file', async () => {
    const uploads = await start();
    expect(must(await put(uploads, part(0, 10)))).toMatchObject({ offset: 10, complete: false });
    expect(must(await put(uploads, part(0, 10)))).toMatchObject({ offset: 10 });
    const gap = await put(uploads, part(20, 30));
    expect(gap).toMatchObject({ error: { kind: 'conflict', details: { offset: 10 } } });
    expect(must(await put(uploads, part(5, 20)))).toMatchObject({ offset: 20 });
    const done = must(await put(uploads, part(20, bytes.length)));
    expect(done).toMatchObject({ id: 'u1', complete: true, offset: bytes.length, name: 'fox.txt' });
    expect(readFileSync(done.path ?? '', 'utf8')).toBe(text);
    expect(must(await put(uploads))).toEqual(done);
    expect(must(await uploads.state(key))).toEqual(done);
    expect(kind(await put(uploads, { name: 'other.txt' }))).toBe('conflict');
    expect(kind(await uploads.state({ ...key, uploadId: 'u2' }))).toBe('not_found');
  });

  it('UPLOAD1: two at once: each byte is written once, whoever is first', async () => {
    const uploads = await start();
    const cuts = [0, 7, 7, 14, 21, 14, 28, 35, 28];
    const results = await Promise.all(cuts.map((from) => put(uploads, part(from, Math.min(from + 14, bytes.length)))));
    expect(results.every((result) => result.ok || result.error.kind === 'conflict')).toBe(true);
    const state = must(await put(uploads, part(28, bytes.length)));
    expect(state.complete).toBe(true);
    expect(readFileSync(state.path ?? '', 'utf8')).toBe(text);
  });

  it('UPLOAD1: a file without a byte is a file', async () => {
    const uploads = await start();
    const state = must(await put(uploads, { size: 0, data: new Uint8Array(0) }));
    expect(state.complete).toBe(true);
    expect(readFileSync(state.path ?? '', 'utf8')).toBe('');
    expect(must(await put(await start(), { size: 0, data: new Uint8Array(0) }))).toEqual(state);
  });

  it('UPLOAD2: a new runner goes on where the old one was struck down', async () => {
    must(await put(await start(), part(0, 25)));
    const second = await start();
    expect(must(await second.state(key))).toMatchObject({ offset: 25, name: 'fox.txt', size: bytes.length });
    expect(await put(second, part(30, 40))).toMatchObject({ error: { details: { offset: 25 } } });
    const done = must(await put(second, part(25, bytes.length)));
    expect(readFileSync(done.path ?? '', 'utf8')).toBe(text);
    expect(must(await (await start()).state(key))).toEqual(done);
  });

  it('UPLOAD2: struck down between the last byte and its name, the file is whole at the next start', async () => {
    must(await put(await start(), part(0, 25)));
    writeFileSync(join(root, 's1/u1.part'), text);
    const state = must(await (await start()).state(key));
    expect(state.complete).toBe(true);
    expect(readFileSync(state.path ?? '', 'utf8')).toBe(text);
    expect(files()).toEqual(['s1/u1.json', 's1/u1/fox.txt']);
  });

  it('UPLOAD2: bytes that are gone from the disk are asked for again', async () => {
    const uploads = await start();
    must(await put(uploads, part(0, 25)));
    writeFileSync(join(root, 's1/u1.part'), text.slice(0, 10));
    expect(await put(uploads, part(25, 30))).toMatchObject({ error: { kind: 'conflict', details: { offset: 10 } } });
    const done = must(await put(uploads, part(10, bytes.length)));
    expect(readFileSync(done.path ?? '', 'utf8')).toBe(text);
  });

  it('UPLOAD11: a whole file is read in pieces, an unfinished one not at all', async () => {
    const uploads = await start();
    const large = Buffer.alloc(limits.uploadPiece + 10, 'x');
    const first = large.subarray(0, limits.uploadPiece);
    must(await put(uploads, { size: large.length, data: first }));
    expect(kind(await uploads.read(key, 0))).toBe('conflict');
    must(await put(uploads, { size: large.length, offset: first.length, data: large.subarray(first.length) }));
    const read = async (from: number) => {
      const result = await uploads.read(key, from);
      return result.ok ? result.value.data.byteLength : result.error.kind;
    };
    expect([await read(0), await read(first.length), await read(large.length)]).toEqual([first.length, 10, 0]);
  });
});

describe('limits', () => {
  it('UPLOAD3: a person and a session have limits, counted over all that is begun; what goes makes room', async () => {
    const uploads = await start({ limits: { ...uploadLimits(bytes.length), sessionUploads: 2, userUploads: 3 } });
    expect(await put(uploads, { size: bytes.length + 1, data: bytes })).toMatchObject({
      error: { kind: 'payload_too_large', details: { limit: bytes.length, current: bytes.length + 1 } },
    });
    // Asked for at once: a place is taken before anything is written.
    const results = await Promise.all(['a', 'b', 'c'].map((uploadId) => put(uploads, { uploadId, ...part(0, 5) })));
    expect(results.map(kind)).toEqual(['ok', 'ok', 'quota_exceeded']);
    expect(results[2]).toMatchObject({ error: { details: { quota: 'sessionUploads', limit: 2, current: 2 } } });
    must(await put(uploads, { sessionId: 's2' }));
    expect(await put(uploads, { sessionId: 's3' })).toMatchObject({
      error: { details: { quota: 'userUploads', limit: 3, current: 3 } },
    });
    must(await put(uploads, { sessionId: 's3', ownerId: 'eve' }));
    expect(kind(await uploads.remove({ sessionId: 's1', uploadId: 'a' }))).toBe('ok');
    must(await put(uploads, { uploadId: 'c' }));
    expect(files().filter((path) => path.includes('/a'))).toEqual([]);
  });

  it('UPLOAD3: bytes count as they were promised, not as they came', async () => {
    const most = { ...uploadLimits(100), sessionUploadBytes: 150 };
    const uploads = await start({ limits: most });
    must(await put(uploads, { uploadId: 'a', size: 100, data: bytes }));
    expect(await put(uploads, { uploadId: 'b', size: 51, data: bytes })).toMatchObject({
      error: { kind: 'quota_exceeded', details: { quota: 'sessionUploadBytes', limit: 150, current: 100 } },
    });
    must(await put(uploads, { uploadId: 'b', size: 50, data: bytes }));
    expect(kind(await put(uploads, { uploadId: 'b', size: 50, offset: bytes.length, data: bytes }))).toBe(
      'bad_request',
    );
  });
});

describe('age', () => {
  it('UPLOAD6: what nobody used for its time goes, what is used stays, and what never became whole goes after a day', async () => {
    const uploads = await start({ days: 7 });
    for (const uploadId of ['old', 'read', 'sent']) must(await put(uploads, { uploadId }));
    must(await put(uploads, { uploadId: 'half', ...part(0, 5) }));
    ahead = 1.5 * dayMs;
    await uploads.sweep();
    expect(kind(await uploads.state({ ...key, uploadId: 'half' }))).toBe('not_found');
    ahead = 6 * dayMs;
    await uploads.read({ ...key, uploadId: 'read' }, 0);
    expect(kind(await uploads.files('s1', [{ ...attachment, uploadId: 'sent' }]))).toBe('ok');
    ahead = 8 * dayMs;
    // The next runner knows when they were used.
    const next = await start({ days: 7 });
    const states = ['old', 'read', 'sent'].map((uploadId) => next.state({ ...key, uploadId }));
    expect((await Promise.all(states)).map(kind)).toEqual(['not_found', 'ok', 'ok']);
    ahead = 14 * dayMs;
    daily();
    await eventually('all is gone', () => readdirSync(root).length === 0);
  });

  it('UPLOAD6: with 0 days nothing goes by itself', async () => {
    const uploads = await start();
    must(await put(uploads));
    ahead = 10_000 * dayMs;
    await uploads.sweep();
    expect(kind(await uploads.state(key))).toBe('ok');
  });

  it('UPLOAD6: a session’s uploads go with it, and what was on its way for it does not come back', async () => {
    const uploads = await start();
    must(await put(uploads));
    must(await put(uploads, { sessionId: 's2' }));
    const late = put(uploads, { uploadId: 'u2', ...part(0, 5) });
    const dropped = uploads.drop('s1');
    const later = put(uploads, { uploadId: 'u2', ...part(5, 9) });
    await Promise.all([late, dropped, later]);
    expect(kind(await later)).toBe('not_found');
    expect(uploads.sessions()).toEqual(['s2']);
    expect(readdirSync(root)).toEqual(['s2']);
  });
});

describe('places', () => {
  it('UPLOAD4: readable by its owner only, under a name that leads nowhere else', async () => {
    const uploads = await start();
    const names = [
      '../../../escape.txt',
      '/etc/passwd',
      '..',
      '.ssh',
      'a\nb',
      `${'x'.repeat(400)}.png`,
      'fdp\u202Eexe',
    ];
    for (const [index, name] of names.entries()) {
      const state = must(await put(uploads, { uploadId: `u${index}`, name }));
      expect(state.path).toBe(join(root, 's1', `u${index}`, state.name));
      expect(readFileSync(state.path ?? '', 'utf8')).toBe(text);
      expect(statSync(state.path ?? '').mode & 0o777).toBe(0o600);
    }
    for (const path of ['', 's1', 's1/u0']) expect(statSync(join(root, path)).mode & 0o777).toBe(0o700);
    expect(statSync(join(root, 's1/u0.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory.path)).toEqual(['uploads']);
  });

  it('UPLOAD4: links that somebody put in the way are not followed, whether written or read', async () => {
    const uploads = await start();
    const outside = join(directory.path, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'precious'), 'precious');
    const untouched = (): void => {
      expect(readdirSync(outside)).toEqual(['precious']);
      expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('precious');
    };
    // The session’s directory itself.
    symlinkSync(outside, join(root, 's1'));
    expect(kind(await put(uploads))).toBe('conflict');
    untouched();
    await uploads.drop('s1');
    untouched();
    // The file that is being written, and where it belongs.
    must(await put(uploads, { sessionId: 's2', ...part(0, 5) }));
    await rm(join(root, 's2/u1.part'));
    symlinkSync(join(outside, 'precious'), join(root, 's2/u1.part'));
    expect(kind(await put(uploads, { sessionId: 's2', ...part(5, 9) }))).toBe('conflict');
    untouched();
    symlinkSync(outside, join(root, 's3'));
    for (const uploadId of ['u1', 'u2']) must(await put(uploads, { sessionId: 's4', uploadId, ...part(0, 5) }));
    symlinkSync(outside, join(root, 's4/u1'));
    expect(kind(await put(uploads, { sessionId: 's4', uploadId: 'u1', ...part(5, bytes.length) }))).toBe('conflict');
    untouched();
    // A whole file that was replaced.
    const whole = must(await put(uploads, { sessionId: 's5' }));
    await rm(whole.path ?? '');
    symlinkSync(join(outside, 'precious'), whole.path ?? '');
    expect(kind(await uploads.read({ sessionId: 's5', uploadId: 'u1' }, 0))).toBe('not_found');
    expect(kind(await uploads.files('s5', [attachment]))).toBe('not_found');
    // A new start clears the links away, not what they lead to.
    await start();
    untouched();
    expect(existsSync(join(root, 's3'))).toBe(false);
  });

  it('UPLOAD4: what belongs to nothing is cleared away at the start; broken notes are nothing', async () => {
    must(await put(await start()));
    writeFileSync(join(root, 's1/stray.part'), 'x');
    mkdirSync(join(root, 's2/u9'), { recursive: true });
    writeFileSync(join(root, 's2/u9.json'), '{"name": 1}');
    writeFileSync(join(root, 'note.txt'), 'x');
    const uploads = await start();
    expect(files()).toEqual(['s1/u1.json', 's1/u1/fox.txt']);
    expect(readdirSync(root)).toEqual(['s1']);
    expect(uploads.sessions()).toEqual(['s1']);
  });
});

describe('a disk that does not take it', () => {
  const failing = (disk: UploadDisk, when: () => boolean, code: string): UploadDisk =>
    new Proxy(disk, {
      get: (target, name: keyof UploadDisk) => {
        if (name !== 'write' || !when()) return target[name].bind(target) as unknown;
        return () => Promise.reject(Object.assign(new Error(code), { code }));
      },
    });

  it('UPLOAD5: a full disk is told, leaves nothing half, counts nothing, and is cured', async () => {
    let full = false;
    const uploads = await start({
      disk: (disk) => failing(disk, () => full, 'ENOSPC'),
      limits: { ...uploadLimits(100), sessionUploads: 1 },
    });
    must(await put(uploads, part(0, 20)));
    full = true;
    const refused = await put(uploads, part(20, bytes.length));
    expect(refused).toMatchObject({
      error: { kind: 'unavailable', message: expect.stringContaining('full') as string },
    });
    expect(files()).toEqual([]);
    expect(kind(await uploads.state(key))).toBe('not_found');
    full = false;
    // From the beginning: nothing of it was kept.
    expect(await put(uploads, part(20, bytes.length))).toMatchObject({ error: { details: { offset: 0 } } });
    expect(must(await put(uploads)).complete).toBe(true);
  });

  it('UPLOAD5: any other fault of the disk is told too, and the next file is taken', async () => {
    let broken = true;
    const uploads = await start({ disk: (disk) => failing(disk, () => broken, 'EIO') });
    expect(await put(uploads)).toMatchObject({ error: { kind: 'unavailable' } });
    broken = false;
    expect(must(await put(uploads, { uploadId: 'u2' })).complete).toBe(true);
  });
});

describe('messages', () => {
  it('UPLOAD9: what is said of attached files must be what is there, whole', async () => {
    const uploads = await start();
    must(await put(uploads));
    must(await put(uploads, { uploadId: 'half', ...part(0, 5) }));
    const check = async (...attachments: (typeof attachment)[]) => kind(await uploads.check('s1', attachments));
    expect(await check(attachment)).toBe('ok');
    expect(await check({ ...attachment, uploadId: 'half' })).toBe('conflict');
    expect(await check(attachment, { ...attachment, uploadId: 'none' })).toBe('bad_request');
    expect(await check({ ...attachment, name: 'other.txt' })).toBe('bad_request');
    expect(await check({ ...attachment, mediaType: 'image/png' })).toBe('bad_request');
    expect(await check({ ...attachment, size: 1 })).toBe('bad_request');
    expect(kind(await uploads.check('s2', [attachment]))).toBe('bad_request');
  });

  it('UPLOAD9: the agent gets where they lie, or the person hears which one has gone', async () => {
    const uploads = await start();
    const { path = '' } = must(await put(uploads));
    expect(await uploads.files('s1', [attachment])).toEqual({
      ok: true,
      value: [{ name: 'fox.txt', mediaType: 'text/plain', size: bytes.length, path }],
    });
    await rm(path);
    expect(await uploads.files('s1', [attachment])).toMatchObject({
      error: { kind: 'not_found', message: expect.stringContaining('fox.txt') as string },
    });
    expect(await uploads.files('s1', [])).toEqual({ ok: true, value: [] });
  });
});
