/** The files of a session that are chosen on this page and not sent yet. It outlives the view of its session. */
import type { UploadedFile, UploadHandle } from '@holdfast/link/uploader.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { Attachment, UploadState } from '@holdfast/protocol/upload.ts';
import { type PreparedFile, asItIs } from './shrink-image.ts';
import { type FileProgress, waitingWords } from './upload-words.ts';

export interface AttachedFile {
  /** Of its upload. */
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
  /** Of a picture of it on this device, if it is one. */
  readonly preview: string | null;
  readonly progress: FileProgress;
}

export interface AttachmentsOptions {
  readonly sessionId: string;
  readonly makeId: () => string;
  readonly upload: (file: UploadedFile) => UploadHandle;
  readonly prepare: (file: File) => Promise<PreparedFile>;
  /** What was complete before a reload. */
  readonly kept: readonly Attachment[];
  /** These are complete now. */
  readonly keep: (complete: readonly Attachment[]) => void;
}

export class Attachments {
  list: readonly AttachedFile[] = $state.raw([]);
  readonly #options: AttachmentsOptions;
  readonly #handles = new Map<string, UploadHandle>();

  constructor(options: AttachmentsOptions) {
    this.#options = options;
    this.list = options.kept.map(({ uploadId: id, name, mediaType, size }): AttachedFile => {
      const upload: UploadState = { id, name, mediaType, size, offset: size, complete: true };
      return { id, name, mediaType, preview: null, progress: { status: 'complete', size, offset: size, upload } };
    });
  }

  /** Whole and on the machine, as it knows them. */
  readonly complete: readonly UploadState[] = $derived(
    this.list.flatMap(({ progress }) => (progress?.status === 'complete' ? [progress.upload] : [])),
  );
  /** Some would be lost with the page. */
  readonly underway: boolean = $derived(
    this.list.some(({ progress }) => progress?.status !== 'complete' && progress?.status !== 'failed'),
  );
  /** What the message waits for; null: nothing. */
  readonly waiting: string | null = $derived(waitingWords(this.list.map(({ progress }) => progress)));

  /** Answers how many did not fit. */
  add(files: readonly File[]): number {
    const room = Math.max(0, limits.attachments - this.list.length);
    for (const file of files.slice(0, room)) void this.#begin(file);
    return Math.max(0, files.length - room);
  }

  retry(id: string): void {
    this.#handles.get(id)?.retry();
  }

  /** The connection is back. */
  wake(): void {
    for (const handle of this.#handles.values()) handle.wake();
  }

  /** Taken back by the person: also on the machine, unless a message has it. */
  remove(id: string): void {
    this.#handles.get(id)?.remove();
    this.#forget(id);
  }

  /** They went with a message, or were used otherwise. */
  clear(ids: readonly string[]): void {
    for (const id of ids) {
      this.#handles.get(id)?.close();
      this.#forget(id);
    }
  }

  async #begin(file: File): Promise<void> {
    const { sessionId, makeId, upload, prepare } = this.#options;
    const id = makeId();
    const { name, mediaType } = asItIs(file);
    const preview = mediaType.startsWith('image/') ? URL.createObjectURL(file) : null;
    this.#show([...this.list, { id, name, mediaType, preview, progress: null }]);
    const prepared = await prepare(file).catch(() => asItIs(file));
    // Removed meanwhile.
    if (!this.list.some((one) => one.id === id)) return;
    const handle = upload({ sessionId, uploadId: id, ...prepared });
    this.#handles.set(id, handle);
    handle.progress.subscribe((progress) => {
      const about = progress.status === 'complete' ? progress.upload : prepared;
      this.#edit(id, { name: about.name, mediaType: about.mediaType, progress });
    });
  }

  #edit(id: string, change: Partial<AttachedFile>): void {
    this.#show(this.list.map((one) => (one.id === id ? { ...one, ...change } : one)));
  }

  #forget(id: string): void {
    const { preview = null } = this.list.find((one) => one.id === id) ?? {};
    if (preview !== null) URL.revokeObjectURL(preview);
    this.#handles.delete(id);
    this.#show(this.list.filter((one) => one.id !== id));
  }

  #show(list: readonly AttachedFile[]): void {
    this.list = list;
    this.#options.keep(this.complete.map(attachmentOf));
  }
}

export function attachmentOf({ id: uploadId, name, mediaType, size }: UploadState): Attachment {
  return { uploadId, name, mediaType, size };
}
