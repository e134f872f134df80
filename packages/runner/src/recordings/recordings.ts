/** All recordings of this machine's terminals: begun, gone on with, told of, read and removed; within limits. */
import type { Logger } from 'pino';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { ErrorBody, Result } from '@holdfast/protocol/error.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { Recording } from '@holdfast/protocol/recording.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import { type After, repeatedly } from '../after.ts';
import type { Reports } from '../reports.ts';
import { Recorder } from './recorder.ts';
import type { KnownResize } from './recorder.ts';
import type { RecordingDisk, RecordingKey, RecordingNotes } from './recording-disk.ts';

export interface RecordingsOptions {
  readonly disk: RecordingDisk;
  readonly reports: Reports;
  /** Days after its last change until a recording that has ended goes; 0: never. */
  readonly days: number;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly after: After;
  readonly log: Logger;
  readonly limits?: { readonly bytes: number; readonly perUser: number };
}

export interface RecordingStart extends RecordingKey {
  readonly ownerId: string;
  readonly title: string;
}

interface Entry {
  notes: RecordingNotes;
  /** Wall clock, ms. */
  changedAt: number;
  recorder: Recorder | null;
}

const dayMs = 86_400_000;

export class Recordings {
  readonly #options: RecordingsOptions;
  readonly #limits: { readonly bytes: number; readonly perUser: number };
  readonly #sessions = new Map<string, Map<string, Entry>>();
  #stopSweeping: (() => void) | null = null;

  constructor(options: RecordingsOptions) {
    this.#options = options;
    this.#limits = options.limits ?? { bytes: limits.recordingBytes, perUser: limits.recordings };
  }

  /** Takes over what an earlier runner left. Rejects with the disk. */
  async start(): Promise<void> {
    for (const { notes, changedAt, ...key } of await this.#options.disk.scan()) {
      this.#put(key, { notes, changedAt, recorder: null });
    }
    await this.sweep();
    const { after, log } = this.#options;
    this.#stopSweeping = repeatedly(after, dayMs, () => {
      this.sweep().catch((error: unknown) => log.error({ err: error }, 'recordings were not swept'));
    });
  }

  close(): void {
    this.#stopSweeping?.();
  }

  sessions(): string[] {
    return [...this.#sessions.keys()];
  }

  /** Tells again what is known of a session's newest recording, and goes on with it where it is under way. */
  resume(sessionId: string, resizes: readonly KnownResize[]): Recorder | null {
    const entries = [...(this.#sessions.get(sessionId) ?? [])].sort(
      ([, a], [, b]) => b.notes.startedAt - a.notes.startedAt,
    );
    const [newest] = entries;
    if (newest === undefined) return null;
    const [recordingId, entry] = newest;
    const key = { sessionId, recordingId };
    this.#tell(key, entry.notes);
    if (entry.notes.end !== null) return null;
    entry.recorder = this.#recorder(key, entry, resizes);
    return entry.recorder;
  }

  /** What is under way and was not gone on with belongs to no terminal any more. */
  async endLost(): Promise<void> {
    for (const [key, entry] of this.#all()) {
      if (entry.notes.end !== null || entry.recorder !== null) continue;
      entry.notes = { ...entry.notes, end: 'lost' };
      await this.#options.disk.save(key, entry.notes);
    }
  }

  /** Tells what is known of it, again. False: it was never begun. */
  tell(key: RecordingKey): boolean {
    const entry = this.#entry(key);
    if (entry !== undefined) this.#tell(key, entry.notes);
    return entry !== undefined;
  }

  /** quota_exceeded: this person has as many on this machine as may be. */
  room(ownerId: string): Result<null> {
    const count = [...this.#all()].filter(([, { notes }]) => notes.ownerId === ownerId).length;
    if (count < this.#limits.perUser) return ok(null);
    const message = `You have ${count} recordings on this machine, as many as one may have. Delete one first.`;
    return fail('quota_exceeded', message, { details: { limit: this.#limits.perUser, current: count } });
  }

  /** From the screen on. Nothing has been written yet when this returns. */
  begin({ ownerId, title, ...key }: RecordingStart, screen: Screen, shell: string | undefined): Recorder {
    const { cols, rows, offset, ansi } = screen;
    const startedAt = this.#options.now();
    const notes: RecordingNotes = {
      ...{ ownerId, title, startedAt, cols, rows, end: null, bytes: 0, durationMs: 0, offset, rest: '' },
      size: { cols, rows },
    };
    const entry: Entry = { notes, changedAt: startedAt, recorder: null };
    this.#put(key, entry);
    const recorder = this.#recorder(key, entry, []);
    entry.recorder = recorder;
    recorder.begin(shell, ansi);
    return recorder;
  }

  /** It will not be begun. */
  refuse({ sessionId, recordingId }: RecordingKey, error: ErrorBody): void {
    const data = { recordingId, bytes: 0, durationMs: 0, reason: 'failed' as const, error };
    this.#report({ sessionId, recordingId }, 2, [{ type: 'terminal.recording.ended', data }]);
  }

  /** Newest first. */
  list(sessionId: string): Recording[] {
    const recordings = [...(this.#sessions.get(sessionId) ?? [])].map(([id, { notes }]) => {
      const { title, startedAt, cols, rows, end, bytes, durationMs } = notes;
      return { id, title, startedAt: new Date(startedAt).toISOString(), cols, rows, end, bytes, durationMs };
    });
    return recordings.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  }

  async read(key: RecordingKey, from: number): Promise<Result<{ data: Uint8Array }>> {
    const entry = this.#entry(key);
    if (entry === undefined) return noSuch;
    const most = Math.min(limits.uploadPiece, entry.notes.bytes - from);
    if (most <= 0) return ok({ data: new Uint8Array() });
    const data = await this.#options.disk.read(key, from, most);
    return data === null ? noSuch : ok({ data });
  }

  /** conflict: it is under way. */
  async remove(key: RecordingKey): Promise<Result<Record<string, never>>> {
    const entry = this.#entry(key);
    if (entry === undefined) return noSuch;
    if (entry.notes.end === null) return fail('conflict', 'This recording goes on: stop it first.');
    await this.#remove(key);
    return ok({});
  }

  /** The session is no more. */
  async drop(sessionId: string): Promise<void> {
    for (const entry of this.#sessions.get(sessionId)?.values() ?? []) entry.recorder?.abandon();
    this.#sessions.delete(sessionId);
    await this.#options.disk.removeSession(sessionId);
  }

  async sweep(): Promise<void> {
    const { days, now } = this.#options;
    if (days === 0) return;
    for (const [key, { notes, changedAt }] of [...this.#all()]) {
      if (notes.end !== null && now() - changedAt > days * dayMs) await this.#remove(key);
    }
  }

  #recorder(key: RecordingKey, entry: Entry, resizes: readonly KnownResize[]): Recorder {
    const { disk, now, log } = this.#options;
    const noted = (notes: RecordingNotes): void => {
      entry.notes = notes;
      entry.changedAt = now();
    };
    const options = {
      file: disk.file(key, entry.notes.bytes),
      notes: entry.notes,
      limit: this.#limits.bytes,
      now,
      onSaved: noted,
      onEnded: (notes: RecordingNotes): void => {
        noted(notes);
        entry.recorder = null;
        if (notes.error !== undefined) log.warn({ ...key, error: notes.error }, 'a recording failed');
        this.#tell(key, notes);
      },
    };
    return new Recorder(options, resizes);
  }

  /** The server knows it already, or takes it now. */
  #tell(key: RecordingKey, { end, bytes, durationMs, error }: RecordingNotes): void {
    const { recordingId } = key;
    this.#report(key, 1, [{ type: 'terminal.recording.started', data: { recordingId } }]);
    if (end === null) return;
    const why = error === undefined ? {} : { error };
    const data = { recordingId, bytes, durationMs, reason: end, ...why };
    this.#report(key, 2, [{ type: 'terminal.recording.ended', data }]);
  }

  #report({ sessionId, recordingId }: RecordingKey, position: number, facts: FactDraft[]): void {
    this.#options.reports.add({ sessionId, source: `recording:${recordingId}`, position, facts });
  }

  #entry({ sessionId, recordingId }: RecordingKey): Entry | undefined {
    return this.#sessions.get(sessionId)?.get(recordingId);
  }

  *#all(): Generator<[RecordingKey, Entry]> {
    for (const [sessionId, entries] of this.#sessions) {
      for (const [recordingId, entry] of entries) yield [{ sessionId, recordingId }, entry];
    }
  }

  #put({ sessionId, recordingId }: RecordingKey, entry: Entry): void {
    const entries = this.#sessions.get(sessionId) ?? new Map<string, Entry>();
    this.#sessions.set(sessionId, entries.set(recordingId, entry));
  }

  async #remove(key: RecordingKey): Promise<void> {
    const entries = this.#sessions.get(key.sessionId);
    entries?.delete(key.recordingId);
    await this.#options.disk.remove(key);
    if (entries?.size !== 0) return;
    this.#sessions.delete(key.sessionId);
    await this.#options.disk.removeSession(key.sessionId);
  }
}

const noSuch: Result<never> = fail('not_found', 'There is no such recording of this terminal.');
