/**
 * One recording under way: takes a terminal's output and sizes in their order and writes them as events. What its notes
 * say is in the file, and no more counts: whoever goes on from them has neither gap nor double.
 */
import type { RecordingEnd } from '@holdfast/protocol/recording.ts';
import { castEvent, castHeader, decoded } from './asciicast.ts';
import type { RecordingFile, RecordingNotes } from './recording-disk.ts';

export interface KnownResize {
  readonly offset: number;
  readonly cols: number;
  readonly rows: number;
}

export interface RecorderOptions {
  readonly file: RecordingFile;
  readonly notes: RecordingNotes;
  /** Most bytes of the file. */
  readonly limit: number;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Newest notes, once they are on disk. */
  readonly onSaved: (notes: RecordingNotes) => void;
  /** It has ended, with these notes; nothing is written any more. */
  readonly onEnded: (notes: RecordingNotes) => void;
}

/** Kept free for the word that says that it is full. */
const lastWord = 256;
/** Bytes not on disk beyond which the terminal waits. */
const backlog = 1024 * 1024;

export class Recorder {
  readonly #options: RecorderOptions;
  /** With all that is pending. */
  #notes: RecordingNotes;
  /** As they are on disk. */
  #saved: RecordingNotes;
  /** From an earlier runner; their places in the output are still to come. */
  #resizes: readonly KnownResize[];
  #rest: Uint8Array;
  #pending: string[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | null = null;
  #closed = false;

  constructor(options: RecorderOptions, resizes: readonly KnownResize[] = []) {
    this.#options = options;
    this.#notes = options.notes;
    this.#saved = options.notes;
    this.#rest = Buffer.from(options.notes.rest, 'base64');
    this.#resizes = resizes.filter(({ offset }) => offset >= options.notes.offset);
  }

  get isUnderWay(): boolean {
    return this.#notes.end === null && !this.#closed;
  }

  /** A new one: the header, and the screen as it is. */
  begin(shell: string | undefined, ansi: string): void {
    const { cols, rows, startedAt, title } = this.#notes;
    this.#push(castHeader({ cols, rows, startedAt, title, shell }));
    if (ansi !== '') this.#push(castEvent(0, 'o', ansi));
  }

  /** Output from `offset` on; what is known is passed over. A promise: read on when it resolves. */
  append(offset: number, bytes: Uint8Array): Promise<void> | undefined {
    let [at, left] = [offset, bytes];
    for (
      let next = this.#resizes[0];
      next !== undefined && next.offset <= offset + bytes.length;
      [next] = this.#resizes
    ) {
      this.#resizes = this.#resizes.slice(1);
      const before = Math.max(0, next.offset - at);
      this.#output(at, left.subarray(0, before));
      [at, left] = [at + before, left.subarray(before)];
      this.#size(next.cols, next.rows);
    }
    this.#output(at, left);
    return this.#pendingBytes > backlog ? this.flush() : undefined;
  }

  resized(cols: number, rows: number): void {
    for (const known of this.#resizes) this.#size(known.cols, known.rows);
    this.#resizes = [];
    this.#size(cols, rows);
  }

  /** Resolves when all that was given is on disk and noted, or never will be. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async end(reason: RecordingEnd): Promise<void> {
    if (this.isUnderWay) {
      this.#notes = { ...this.#notes, end: reason, durationMs: this.#time() };
      this.#write();
    }
    await this.flush();
  }

  /** Leaves at once; another goes on. */
  abandon(): void {
    this.#closed = true;
    this.#pending = [];
  }

  #output(offset: number, bytes: Uint8Array): void {
    if (!this.isUnderWay) return;
    const missing = offset - this.#notes.offset;
    if (missing > 0) {
      this.#rest = new Uint8Array();
      this.#push(castEvent(this.#time(), 'm', `${missing} bytes of output are missing here`));
    }
    const fresh = bytes.subarray(Math.max(0, -missing));
    if (fresh.length === 0) return;
    const { text, rest } = decoded(Buffer.concat([this.#rest, fresh]));
    this.#rest = rest;
    const noted = {
      offset: Math.max(offset, this.#notes.offset) + fresh.length,
      rest: Buffer.from(rest).toString('base64'),
    };
    this.#notes = { ...this.#notes, ...noted };
    if (text === '') this.#write();
    else this.#push(castEvent(this.#time(), 'o', text));
  }

  #size(cols: number, rows: number): void {
    const { size } = this.#notes;
    if (!this.isUnderWay || (size.cols === cols && size.rows === rows)) return;
    this.#notes = { ...this.#notes, size: { cols, rows } };
    this.#push(castEvent(this.#time(), 'r', `${cols}x${rows}`));
  }

  /** Never back, whatever the clock does. */
  #time(): number {
    return Math.max(this.#notes.durationMs, Math.round(this.#options.now() - this.#notes.startedAt));
  }

  #push(line: string): void {
    if (!this.isUnderWay) return;
    const bytes = Buffer.byteLength(line);
    const isFull = this.#notes.bytes + bytes > this.#options.limit - lastWord;
    const text = isFull ? castEvent(this.#time(), 'm', 'The recording is full and ends here.') : line;
    const size = isFull ? Buffer.byteLength(text) : bytes;
    this.#notes = { ...this.#notes, bytes: this.#notes.bytes + size, durationMs: this.#time() };
    if (isFull) this.#notes = { ...this.#notes, end: 'full' };
    this.#pending.push(text);
    this.#pendingBytes += size;
    this.#write();
  }

  #write(): void {
    this.#writing ??= this.#drain();
  }

  async #drain(): Promise<void> {
    const { file, onSaved, onEnded } = this.#options;
    // What comes in the same moment goes together.
    await Promise.resolve();
    try {
      while (this.#saved !== this.#notes && !this.#closed) {
        const notes = this.#notes;
        const text = this.#pending.join('');
        this.#pending = [];
        this.#pendingBytes = 0;
        if (text !== '') await file.append(text);
        if (this.#closed) break;
        await file.save(notes);
        this.#saved = notes;
        onSaved(notes);
      }
    } catch (error) {
      await this.#fail(error);
    }
    this.#writing = null;
    if (this.#closed || this.#notes.end === null) return;
    this.#closed = true;
    await file.close().catch(() => undefined);
    onEnded(this.#notes);
  }

  /** What is noted of it stays as it is. */
  async #fail(error: unknown): Promise<void> {
    const message = `The recording could not be written: ${error instanceof Error ? error.message : String(error)}`;
    this.#pending = [];
    this.#notes = { ...this.#saved, end: 'failed', error: { kind: 'unavailable', message } };
    await this.#options.file.save(this.#notes).catch(() => undefined);
  }
}
