/**
 * Uploaded files on disk, by session and upload:
 *   <root>/<session>/<upload>.json     what was said of it; its time of change is when the upload was last used
 *   <root>/<session>/<upload>.part     the bytes so far
 *   <root>/<session>/<upload>/<name>   the whole file, under the name the agent is told
 * Directories 0700, files 0600. An agent can write here as we can: what is in the way is never followed.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readFile, readdir, realpath, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Upload } from '@holdfast/core/upload/decide-piece.ts';
import { idSchema } from '@holdfast/protocol/id.ts';
import { attachmentSchema } from '@holdfast/protocol/upload.ts';
import { InTheWay, codeOf, ownDirectory, replaceFile } from '../own-files.ts';

export interface UploadKey {
  readonly sessionId: string;
  readonly uploadId: string;
}

export interface UploadNotes extends Omit<Upload, 'offset'> {
  readonly ownerId: string;
}

export interface FoundUpload extends UploadKey, Upload, UploadNotes {
  /** Wall clock, ms. */
  readonly usedAt: number;
}

/** Methods reject when the disk does not take it; see failureOf. */
export interface UploadDisk {
  /** Makes the root where missing, clears away what belongs to nothing, and answers what is there. */
  scan(): Promise<FoundUpload[]>;
  begin(key: UploadKey, notes: UploadNotes): Promise<void>;
  /** Answers how many bytes are there afterwards: less than `offset` when some were lost, and nothing was written. */
  write(key: UploadKey, offset: number, data: Uint8Array): Promise<number>;
  /** All bytes are there: durable, then under its name. */
  finish(key: UploadKey, name: string): Promise<void>;
  /** null: the file is not there any more. */
  read(key: UploadKey, name: string, from: number, most: number): Promise<Uint8Array | null>;
  isThere(key: UploadKey, name: string, size: number): Promise<boolean>;
  use(key: UploadKey, at: number): Promise<void>;
  remove(key: UploadKey): Promise<void>;
  removeSession(sessionId: string): Promise<void>;
  directoryOf(sessionId: string): string;
  pathOf(key: UploadKey, name: string): string;
}

const notesSchema = attachmentSchema.omit({ uploadId: true }).extend({ ownerId: idSchema });
const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export function createUploadDisk(directory: string): UploadDisk {
  return new Disk(directory);
}

class Disk implements UploadDisk {
  /** Resolved by scan: the root itself may be a link to another disk. */
  #root: string;

  constructor(directory: string) {
    this.#root = directory;
  }

  async scan(): Promise<FoundUpload[]> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    this.#root = await realpath(this.#root);
    const found: FoundUpload[] = [];
    for (const entry of await readdir(this.#root, { withFileTypes: true })) {
      if (idSchema.safeParse(entry.name).success && entry.isDirectory()) {
        found.push(...(await this.#scanSession(entry.name)));
      } else {
        await this.#clear(join(this.#root, entry.name));
      }
    }
    return found;
  }

  async begin(key: UploadKey, notes: UploadNotes): Promise<void> {
    await ownDirectory(this.#root);
    await ownDirectory(this.directoryOf(key.sessionId));
    const { name, mediaType, size, ownerId } = notes;
    const text = JSON.stringify({ name, mediaType, size, ownerId });
    await replaceFile(this.#file(key, 'json'), this.#file(key, 'new'), text);
  }

  async write(key: UploadKey, offset: number, data: Uint8Array): Promise<number> {
    await this.#ownSession(key);
    await using file = await open(this.#file(key, 'part'), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    const there = await sizeOf(file);
    if (there < offset) return there;
    for (let at = 0; at < data.byteLength;) {
      at += (await file.write(data, at, data.byteLength - at, offset + at)).bytesWritten;
    }
    return offset + data.byteLength;
  }

  async finish(key: UploadKey, name: string): Promise<void> {
    await this.#ownSession(key);
    const part = this.#file(key, 'part');
    {
      // A file without bytes has not been written to yet.
      await using file = await open(part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
      await sizeOf(file);
      await file.sync();
    }
    const directory = join(this.directoryOf(key.sessionId), key.uploadId);
    await ownDirectory(directory);
    await rename(part, join(directory, name));
  }

  async read(key: UploadKey, name: string, from: number, most: number): Promise<Uint8Array | null> {
    try {
      await this.#ownSession(key);
      await using file = await open(this.pathOf(key, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const size = await sizeOf(file);
      const data = new Uint8Array(Math.max(0, Math.min(most, size - from)));
      const { bytesRead } = await file.read(data, 0, data.byteLength, from);
      return data.subarray(0, bytesRead);
    } catch (error) {
      if (error instanceof InTheWay || ['ENOENT', 'ELOOP', 'ENOTDIR'].includes(codeOf(error))) return null;
      throw error;
    }
  }

  async isThere(key: UploadKey, name: string, size: number): Promise<boolean> {
    const status = await lstat(this.pathOf(key, name)).catch(() => null);
    return status !== null && status.isFile() && status.size === size;
  }

  async use(key: UploadKey, at: number): Promise<void> {
    await utimes(this.#file(key, 'json'), at / 1_000, at / 1_000);
  }

  async remove(key: UploadKey): Promise<void> {
    const session = await lstat(this.directoryOf(key.sessionId)).catch(() => null);
    if (session?.isDirectory() !== true) return;
    // The notes last: without them what is left is cleared away at the next start.
    await this.#clear(join(this.directoryOf(key.sessionId), key.uploadId));
    for (const kind of ['part', 'new', 'json'] as const) await this.#clear(this.#file(key, kind));
  }

  async removeSession(sessionId: string): Promise<void> {
    await this.#clear(this.directoryOf(sessionId));
  }

  directoryOf(sessionId: string): string {
    return join(this.#root, sessionId);
  }

  pathOf({ sessionId, uploadId }: UploadKey, name: string): string {
    return join(this.directoryOf(sessionId), uploadId, name);
  }

  async #scanSession(sessionId: string): Promise<FoundUpload[]> {
    const directory = this.directoryOf(sessionId);
    const found: FoundUpload[] = [];
    const names = await readdir(directory);
    for (const name of names) {
      const uploadId = /^([A-Za-z0-9_-]{1,64})\.json$/.exec(name)?.[1];
      const upload = uploadId === undefined ? null : await this.#scanUpload({ sessionId, uploadId });
      if (upload !== null) found.push(upload);
    }
    const known = new Set(found.flatMap(({ uploadId }) => [uploadId, `${uploadId}.json`, `${uploadId}.part`]));
    for (const name of names) if (!known.has(name)) await this.#clear(join(directory, name));
    if (found.length === 0) await this.#clear(directory);
    return found;
  }

  /** null: there is no such upload, or nothing of use is left of it. */
  async #scanUpload(key: UploadKey): Promise<FoundUpload | null> {
    const file = this.#file(key, 'json');
    const status = await lstat(file);
    const notes = status.isFile() ? notesSchema.safeParse(parsed(await readFile(file, 'utf8'))) : null;
    if (notes?.success !== true) return null;
    const { name, size } = notes.data;
    const upload = { ...key, ...notes.data, usedAt: status.mtimeMs };
    if (await this.isThere(key, name, size)) return { ...upload, offset: size };
    const part = await lstat(this.#file(key, 'part')).catch(() => null);
    const offset = part?.isFile() === true && part.size <= size ? part.size : null;
    if (offset === null) return null;
    // Struck down between the last byte and its name.
    if (offset === size) await this.finish(key, name);
    return { ...upload, offset };
  }

  async #ownSession({ sessionId }: UploadKey): Promise<void> {
    const status = await lstat(this.directoryOf(sessionId));
    if (!status.isDirectory()) throw new InTheWay(`${sessionId} is no directory`);
  }

  #file({ sessionId, uploadId }: UploadKey, kind: 'json' | 'new' | 'part'): string {
    return join(this.directoryOf(sessionId), `${uploadId}.${kind}`);
  }

  async #clear(path: string): Promise<void> {
    // Of a link only the link goes.
    await rm(path, { recursive: true, force: true });
  }
}

/** Of a plain file. */
async function sizeOf(file: FileHandle): Promise<number> {
  const status = await file.stat();
  if (!status.isFile()) throw new InTheWay('not a plain file');
  return status.size;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
