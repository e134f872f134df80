/** Carries out one upload's effects: pieces of a file over REST, and a clock for the pauses. */
import {
  type UploadEffect,
  type UploadEvent,
  type UploadProgress,
  newUpload,
  nextUploadDue,
  stepUpload,
} from '@holdfast/core/client/upload-machine.ts';
import { type Observable, observable } from '@holdfast/core/client/observable.ts';
import { type Result, fail } from '@holdfast/protocol/error.ts';
import type { UploadState } from '@holdfast/protocol/upload.ts';
import { type Alarm, alarm } from './alarm.ts';
import type { Clock } from './client-interface.ts';
import type { RestClient } from './rest.ts';

export interface UploadedFile {
  readonly sessionId: string;
  /** Made by the caller, used for this file alone. */
  readonly uploadId: string;
  readonly name: string;
  readonly mediaType: string;
  /** Kept until it is complete or closed. */
  readonly data: Blob;
}

export interface UploaderOptions {
  readonly rest: Pick<RestClient, 'putUpload' | 'removeUpload'>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface UploadHandle {
  readonly progress: Observable<UploadProgress>;
  /** The connection is back, or may be. */
  wake(): void;
  /** After it has failed. */
  retry(): void;
  /** Ends it. What is on the machine stays. */
  close(): void;
  /** Ends it, and takes back what is on the machine; that fails silently, since it goes by itself in time. */
  remove(): void;
}

export function startUpload(file: UploadedFile, options: UploaderOptions): UploadHandle {
  return new Uploader(file, options);
}

class Uploader implements UploadHandle {
  readonly progress;
  readonly #file: UploadedFile;
  readonly #options: UploaderOptions;
  readonly #alarm: Alarm;
  #machine;
  #closed = false;

  constructor(file: UploadedFile, options: UploaderOptions) {
    this.#file = file;
    this.#options = options;
    this.#machine = newUpload(file.data.size);
    this.progress = observable<UploadProgress>(this.#machine.progress);
    this.#alarm = alarm(options.clock, () => this.#step({ type: 'tick' }));
    this.#step({ type: 'start' });
  }

  wake(): void {
    this.#step({ type: 'wake' });
  }

  retry(): void {
    this.#step({ type: 'retry' });
  }

  close(): void {
    this.#closed = true;
    this.#alarm.set(null);
  }

  remove(): void {
    this.close();
    const { sessionId, uploadId } = this.#file;
    this.#options.rest.removeUpload(sessionId, uploadId).catch(unexpected);
  }

  #step(event: UploadEvent): void {
    if (this.#closed) return;
    const moment = { at: this.#options.clock.now(), random: this.#options.random() };
    const { machine, effects } = stepUpload(this.#machine, event, moment);
    this.#machine = machine;
    for (const effect of effects) this.#put(effect);
    this.#alarm.set(nextUploadDue(machine));
    this.progress.set(machine.progress);
  }

  #put(effect: UploadEffect): void {
    this.#answerTo(effect)
      .then((result) => this.#step({ type: 'answered', send: effect.send, result }))
      .catch(unexpected);
  }

  async #answerTo({ offset, end }: UploadEffect): Promise<Result<UploadState>> {
    const { sessionId, uploadId, name, mediaType, data } = this.#file;
    const piece = await readPiece(data, offset, end);
    if (piece === null) return fail('bad_request', 'The file cannot be read on this device any more.');
    return this.#options.rest.putUpload(sessionId, uploadId, { offset, size: data.size, name, mediaType }, piece);
  }
}

/** A file that was chosen may have been changed or taken away since (null): a request with it looks like a lost network. */
async function readPiece(data: Blob, from: number, end: number): Promise<Blob | null> {
  try {
    return new Blob([await data.slice(from, end).arrayBuffer()]);
  } catch {
    return null;
  }
}

/** Failures are values: what gets here is a bug, rethrown where it is seen. */
function unexpected(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
