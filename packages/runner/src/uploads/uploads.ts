/**
 * What people have handed over for the sessions of this machine: takes it piece by piece, keeps it as long as it is used
 * and within limits, and gives it to agents and back to people. Calls of one session are handled one after the other.
 */
import type { Logger } from 'pino';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import { limits as wire } from '@holdfast/protocol/limits.ts';
import type { RunnerQuestion } from '@holdfast/protocol/runner.ts';
import type { Attachment, UploadState } from '@holdfast/protocol/upload.ts';
import { decidePiece, isComplete } from '@holdfast/core/upload/decide-piece.ts';
import type { Upload, UploadLimits, UploadUse } from '@holdfast/core/upload/decide-piece.ts';
import { safeFileName } from '@holdfast/core/upload/file-name.ts';
import { type After, repeatedly } from '../after.ts';
import { InTheWay, codeOf } from '../own-files.ts';
import type { UploadDisk, UploadKey } from './upload-disk.ts';

export interface UploadsOptions {
  readonly disk: UploadDisk;
  readonly limits: UploadLimits;
  /** Days after its last use until an upload goes; 0: never. */
  readonly days: number;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly after: After;
  readonly log: Logger;
}

/** A whole file on this machine that goes with a message. */
export interface AttachedFile {
  readonly name: string;
  readonly mediaType: string;
  readonly size: number;
  /** Absolute. */
  readonly path: string;
}

type QuestionOf<T extends RunnerQuestion['type']> = Extract<RunnerQuestion, { type: T }>;

interface Entry {
  readonly ownerId: string;
  upload: Upload;
  /** Wall clock, ms; on disk at most an hour behind. */
  usedAt: number;
  keptUsedAt: number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** What never became whole goes after so long, if not sooner. */
const unfinishedMs = dayMs;
/** Deleted sessions remembered: what was on its way for them must not come back. */
const rememberedDrops = 1_000;
const noUse: UploadUse = { sessionUploads: 0, sessionUploadBytes: 0, userUploads: 0, userUploadBytes: 0 };

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #sessions = new Map<string, Map<string, Entry>>();
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #dropped = new Set<string>();
  #stopSweeping: (() => void) | null = null;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /** Takes over what an earlier runner left; from then on, once a day, what nobody used goes. Rejects with the disk. */
  async start(): Promise<void> {
    for (const { sessionId, uploadId, ownerId, usedAt, ...upload } of await this.#options.disk.scan()) {
      const { name, mediaType, size, offset } = upload;
      this.#put(sessionId, uploadId, {
        ownerId,
        upload: { name, mediaType, size, offset },
        usedAt,
        keptUsedAt: usedAt,
      });
    }
    await this.sweep();
    const { after, log } = this.#options;
    this.#stopSweeping = repeatedly(after, dayMs, () => {
      this.sweep().catch((error: unknown) => log.error({ err: error }, 'uploads were not swept'));
    });
  }

  close(): void {
    this.#stopSweeping?.();
  }

  /** Where a session's files lie, also while there are none. */
  directoryOf(sessionId: string): string {
    return this.#options.disk.directoryOf(sessionId);
  }

  sessions(): string[] {
    return [...this.#sessions.keys()];
  }

  put(question: QuestionOf<'uploadPut'>): Promise<Result<{ upload: UploadState }>> {
    const { sessionId, uploadId } = question;
    return this.#inTurn(sessionId, () => this.#take({ sessionId, uploadId }, question));
  }

  state(key: UploadKey): Promise<Result<{ upload: UploadState }>> {
    return this.#inTurn(key.sessionId, () => this.#found(key, (entry) => this.#answer(key, entry)));
  }

  remove(key: UploadKey): Promise<Result<Record<string, never>>> {
    return this.#inTurn(key.sessionId, async () => {
      const found = this.#found(key, () => ({}));
      if (found.ok) await this.#remove(key);
      return found;
    });
  }

  read(key: UploadKey, from: number): Promise<Result<{ data: Uint8Array }>> {
    return this.#inTurn(key.sessionId, async () => {
      const entry = this.#sessions.get(key.sessionId)?.get(key.uploadId);
      if (entry === undefined) return noSuch(key);
      if (!isComplete(entry.upload)) return fail('conflict', 'This file has not come whole yet.');
      const data = await this.#options.disk.read(key, entry.upload.name, from, wire.uploadPiece);
      if (data === null) return noSuch(key);
      await this.#use(key, entry);
      return ok({ data });
    });
  }

  /** Before a message is stored: bad_request for a file that is not there or another, conflict for one not yet whole. */
  check(sessionId: string, attachments: readonly Attachment[]): Promise<Result<Record<string, never>>> {
    return this.#inTurn(sessionId, () => {
      for (const { uploadId, ...said } of attachments) {
        const upload = this.#sessions.get(sessionId)?.get(uploadId)?.upload;
        if (upload === undefined) {
          return fail('bad_request', `${said.name} is not on the machine: attach it again.`);
        }
        if (upload.name !== said.name || upload.mediaType !== said.mediaType || upload.size !== said.size) {
          return fail('bad_request', `What was uploaded as ${uploadId} is another file.`);
        }
        if (!isComplete(upload)) {
          return fail('conflict', `${said.name} has not come whole yet: send the message again then.`);
        }
      }
      return ok({});
    });
  }

  /** For the agent. not_found: one has gone since the message was stored. */
  files(sessionId: string, attachments: readonly Attachment[]): Promise<Result<AttachedFile[]>> {
    if (attachments.length === 0) return Promise.resolve(ok([]));
    return this.#inTurn(sessionId, async () => {
      const files: AttachedFile[] = [];
      for (const { uploadId, name: said } of attachments) {
        const key = { sessionId, uploadId };
        const entry = this.#sessions.get(sessionId)?.get(uploadId);
        const { name, mediaType, size } = entry?.upload ?? { name: '', mediaType: '', size: 0 };
        const whole = entry !== undefined && isComplete(entry.upload);
        if (!whole || !(await this.#options.disk.isThere(key, name, size))) {
          return fail('not_found', `${said} is no longer on the machine. Attach it again and send the message anew.`);
        }
        await this.#use(key, entry);
        files.push({ name, mediaType, size, path: this.#options.disk.pathOf(key, name) });
      }
      return ok(files);
    });
  }

  /** The session is no more. */
  async drop(sessionId: string): Promise<void> {
    this.#dropped.add(sessionId);
    const [oldest] = this.#dropped;
    if (this.#dropped.size > rememberedDrops && oldest !== undefined) this.#dropped.delete(oldest);
    const dropped = await this.#inTurn(sessionId, async () => {
      this.#sessions.delete(sessionId);
      await this.#options.disk.removeSession(sessionId);
      return ok(null);
    });
    if (!dropped.ok) this.#options.log.error({ sessionId, error: dropped.error }, 'uploads were not removed');
  }

  /** What was not used for longer than it is kept goes. */
  async sweep(): Promise<void> {
    const { now, days, log } = this.#options;
    const kept = days > 0 ? days * dayMs : Infinity;
    let removed = 0;
    for (const [sessionId, entries] of [...this.#sessions]) {
      for (const uploadId of [...entries.keys()]) {
        const key = { sessionId, uploadId };
        const swept = await this.#inTurn(sessionId, async () => {
          const entry = entries.get(uploadId);
          if (entry === undefined) return ok(null);
          const most = isComplete(entry.upload) ? kept : Math.min(kept, unfinishedMs);
          if (now() - entry.usedAt <= most) return ok(null);
          await this.#remove(key);
          removed += 1;
          return ok(null);
        });
        if (!swept.ok) log.warn({ ...key, error: swept.error }, 'an upload could not be removed');
      }
    }
    if (removed > 0) log.info({ removed }, 'uploads that nobody used were removed');
  }

  async #take(
    key: UploadKey,
    { ownerId, name, mediaType, size, offset, data }: QuestionOf<'uploadPut'>,
  ): Promise<Result<{ upload: UploadState }>> {
    if (this.#dropped.has(key.sessionId)) return fail('not_found', 'There is no such session.');
    const known = this.#sessions.get(key.sessionId)?.get(key.uploadId) ?? null;
    const piece = { name: safeFileName(name), mediaType, size, offset, length: data.byteLength };
    const use = known === null ? this.#useOf(key.sessionId, ownerId) : noUse;
    const decided = decidePiece(known?.upload ?? null, piece, use, this.#options.limits);
    if (!decided.ok) return decided;
    const { upload, skip } = decided.value;
    // The place is taken before anything is waited for: what others begin meanwhile counts it.
    const entry = known ?? this.#begun(key, ownerId, { ...upload, offset: 0 });
    try {
      if (known === null) await this.#options.disk.begin(key, { ...upload, ownerId });
      return await this.#write(key, entry, upload, data.subarray(skip));
    } catch (error) {
      // Nothing half is left, and on a full disk room is made.
      await this.#remove(key).catch((left: unknown) => this.#options.log.warn({ err: left, ...key }, 'left behind'));
      throw error;
    }
  }

  async #write(
    key: UploadKey,
    entry: Entry,
    after: Upload,
    data: Uint8Array,
  ): Promise<Result<{ upload: UploadState }>> {
    const { disk } = this.#options;
    const already = isComplete(entry.upload) && data.byteLength === 0 && entry.upload.size > 0;
    if (!already) {
      const there = data.byteLength === 0 ? after.offset : await disk.write(key, entry.upload.offset, data);
      if (there < after.offset) {
        entry.upload = { ...entry.upload, offset: there };
        return fail('conflict', `Bytes are missing: go on from ${there}.`, { details: { offset: there } });
      }
      if (isComplete(after)) await disk.finish(key, after.name);
      entry.upload = after;
    }
    await this.#use(key, entry);
    return ok(this.#answer(key, entry));
  }

  #begun(key: UploadKey, ownerId: string, upload: Upload): Entry {
    const at = this.#options.now();
    const entry = { ownerId, upload, usedAt: at, keptUsedAt: at };
    this.#put(key.sessionId, key.uploadId, entry);
    return entry;
  }

  #put(sessionId: string, uploadId: string, entry: Entry): void {
    const entries = this.#sessions.get(sessionId) ?? new Map<string, Entry>();
    this.#sessions.set(sessionId, entries.set(uploadId, entry));
  }

  async #remove(key: UploadKey): Promise<void> {
    const entries = this.#sessions.get(key.sessionId);
    entries?.delete(key.uploadId);
    if (entries?.size === 0) this.#sessions.delete(key.sessionId);
    await this.#options.disk.remove(key);
    if (entries?.size === 0) await this.#options.disk.removeSession(key.sessionId);
  }

  async #use(key: UploadKey, entry: Entry): Promise<void> {
    entry.usedAt = this.#options.now();
    if (entry.usedAt - entry.keptUsedAt < hourMs) return;
    entry.keptUsedAt = entry.usedAt;
    await this.#options.disk.use(key, entry.usedAt);
  }

  #useOf(sessionId: string, ownerId: string): UploadUse {
    const use = { ...noUse };
    for (const [id, entries] of this.#sessions) {
      for (const entry of entries.values()) {
        if (id === sessionId) {
          use.sessionUploads += 1;
          use.sessionUploadBytes += entry.upload.size;
        }
        if (entry.ownerId === ownerId) {
          use.userUploads += 1;
          use.userUploadBytes += entry.upload.size;
        }
      }
    }
    return use;
  }

  #found<T>(key: UploadKey, then: (entry: Entry) => T): Result<T> {
    const entry = this.#sessions.get(key.sessionId)?.get(key.uploadId);
    return entry === undefined ? noSuch(key) : ok(then(entry));
  }

  #answer(key: UploadKey, { upload }: Entry): { upload: UploadState } {
    const complete = isComplete(upload);
    const path = complete ? { path: this.#options.disk.pathOf(key, upload.name) } : {};
    return { upload: { id: key.uploadId, ...upload, complete, ...path } };
  }

  /** What the disk does not take is told, not thrown. */
  #inTurn<T>(sessionId: string, work: () => Result<T> | Promise<Result<T>>): Promise<Result<T>> {
    const before = this.#queues.get(sessionId) ?? Promise.resolve();
    const next = before.then(work).catch((error: unknown): Result<never> => {
      this.#options.log.warn({ err: error, sessionId }, 'the disk did not take an upload');
      return failureOf(error);
    });
    this.#queues.set(sessionId, next);
    void next.then(() => {
      if (this.#queues.get(sessionId) === next) this.#queues.delete(sessionId);
    });
    return next;
  }
}

const noSuch = ({ uploadId }: UploadKey): Result<never> =>
  fail('not_found', `There is no upload ${uploadId} in this session.`);

const diskFull: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
/** Somebody has to make room first. */
const fullDiskMs = 15_000;

function failureOf(error: unknown): Result<never> {
  const code = codeOf(error);
  if (diskFull.has(code)) {
    return fail('unavailable', 'The disk of the machine is full. Make room there.', { retryAfterMs: fullDiskMs });
  }
  if (error instanceof InTheWay || code === 'ELOOP') {
    return fail('conflict', 'Something else stands where the file belongs; attach it under a new id.');
  }
  return fail('unavailable', `The machine cannot keep the file now${code === '' ? '' : ` (${code})`}.`);
}
