/**
 * Recordings on disk, by session and recording:
 *   <root>/<session>/<recording>.cast   asciicast v2, only ever appended to
 *   <root>/<session>/<recording>.json   how much of it counts, and up to where of the terminal's output that is
 * Directories 0700, files 0600: a recording may show anything.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorBodySchema } from '@holdfast/protocol/error.ts';
import { idSchema, offsetSchema } from '@holdfast/protocol/id.ts';
import { recordingEndSchema, recordingSizeSchema } from '@holdfast/protocol/recording.ts';
import { ownDirectory, replaceFile } from '../own-files.ts';

export interface RecordingKey {
  readonly sessionId: string;
  readonly recordingId: string;
}

const size = { cols: z.number().int().positive(), rows: z.number().int().positive() };
export const recordingNotesSchema = recordingSizeSchema.extend({
  ownerId: idSchema,
  title: z.string(),
  /** Wall clock, ms. */
  startedAt: z.number(),
  /** At the start. */
  ...size,
  end: recordingEndSchema.nullable(),
  error: errorBodySchema.optional(),
  /** All output before it is in the first `bytes` of the file, but for `rest`, the first bytes of a character. */
  offset: offsetSchema,
  /** Base 64. */
  rest: z.string(),
  /** The newest size that is in it. */
  size: z.object(size),
});
export type RecordingNotes = z.infer<typeof recordingNotesSchema>;

export interface FoundRecording extends RecordingKey {
  readonly notes: RecordingNotes;
  /** Wall clock, ms: of its last change. */
  readonly changedAt: number;
}

/** The one writer of a recording. */
export interface RecordingFile {
  append(text: string): Promise<void>;
  /** Whole or not at all. */
  save(notes: RecordingNotes): Promise<void>;
  close(): Promise<void>;
}

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export class RecordingDisk {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async scan(): Promise<FoundRecording[]> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    await ownDirectory(this.#root);
    const found: FoundRecording[] = [];
    for (const session of await readdir(this.#root, { withFileTypes: true })) {
      if (!session.isDirectory() || !idSchema.safeParse(session.name).success) continue;
      for (const name of await readdir(join(this.#root, session.name))) {
        const recordingId = name.replace(/\.[a-z]+$/, '');
        const key = { sessionId: session.name, recordingId };
        const notes = await this.#notes(key);
        if (notes === null) await rm(join(this.#root, session.name, name), { force: true, recursive: true });
        else if (name.endsWith('.json')) found.push({ ...key, ...notes });
      }
    }
    return found;
  }

  /** To go on behind its first `bytes`; what was written after them without being noted is cut off. */
  file(key: RecordingKey, bytes: number): RecordingFile {
    let opened: Promise<FileHandle> | null = null;
    let at = bytes;
    const openOnce = async (): Promise<FileHandle> => {
      await ownDirectory(this.#root);
      await ownDirectory(this.#directory(key.sessionId));
      const file = await open(this.#path(key, 'cast'), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
      await file.truncate(bytes);
      return file;
    };
    return {
      append: async (text) => {
        opened ??= openOnce();
        const file = await opened;
        const data = Buffer.from(text);
        for (let done = 0; done < data.length;) {
          const { bytesWritten } = await file.write(data, done, data.length - done, at);
          done += bytesWritten;
          at += bytesWritten;
        }
      },
      save: (notes) => this.save(key, notes),
      close: async () => {
        if (opened !== null) await (await opened).close();
      },
    };
  }

  async save(key: RecordingKey, notes: RecordingNotes): Promise<void> {
    await replaceFile(this.#path(key, 'json'), this.#path(key, 'new'), JSON.stringify(notes));
  }

  /** null: it is not there any more. */
  async read(key: RecordingKey, from: number, most: number): Promise<Uint8Array | null> {
    try {
      await using file = await open(this.#path(key, 'cast'), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const data = Buffer.alloc(most);
      const { bytesRead } = await file.read(data, 0, most, from);
      return data.subarray(0, bytesRead);
    } catch {
      return null;
    }
  }

  async remove(key: RecordingKey): Promise<void> {
    // Without its notes it is no recording any more.
    for (const kind of ['json', 'cast', 'new'] as const) await rm(this.#path(key, kind), { force: true });
  }

  async removeSession(sessionId: string): Promise<void> {
    await rm(this.#directory(sessionId), { recursive: true, force: true });
  }

  #directory(sessionId: string): string {
    return join(this.#root, sessionId);
  }

  #path({ sessionId, recordingId }: RecordingKey, kind: 'cast' | 'json' | 'new'): string {
    return join(this.#directory(sessionId), `${recordingId}.${kind}`);
  }

  async #notes(key: RecordingKey): Promise<{ notes: RecordingNotes; changedAt: number } | null> {
    try {
      const path = this.#path(key, 'json');
      const notes = recordingNotesSchema.parse(JSON.parse(await readFile(path, 'utf8')));
      return { notes, changedAt: (await stat(path)).mtimeMs };
    } catch {
      return null;
    }
  }
}
