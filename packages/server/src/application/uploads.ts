/**
 * Files on their way to the machine of their session, and back. The server keeps none of it: pieces go through as they
 * come, few at a time, so that neither memory nor what else uses the link depends on how much is uploaded.
 */
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import { limits as wire } from '@holdfast/protocol/limits.ts';
import type { Attachment, PutUpload, UploadState } from '@holdfast/protocol/upload.ts';
import { type UploadLimits, withinUploadSize } from '@holdfast/core/upload/decide-piece.ts';
import { safeFileName } from '@holdfast/core/upload/file-name.ts';
import type { SessionRow, Store } from '@holdfast/store/store.ts';
import type { Login, UploadCalls, UploadContent } from './application.ts';
import { ByteWindow } from './byte-window.ts';
import type { RunnerLink } from './runner-link.ts';

export interface UploadsOptions {
  readonly store: Pick<Store, 'session'>;
  readonly limits: UploadLimits;
  /** Authorised. */
  readonly row: (login: Login, sessionId: string) => Promise<Result<SessionRow>>;
  readonly link: (runnerId: string) => Result<RunnerLink>;
}

/** Bytes of all uploads on their way to one machine: on a line of 10 Mbit/s a keystroke waits 0.1 s behind them at most. */
const windowBytes = 4 * wire.uploadPiece;

export class Uploads implements UploadCalls {
  readonly #options: UploadsOptions;
  /** They go with their links. */
  readonly #windows = new WeakMap<RunnerLink, ByteWindow>();

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  async put(
    login: Login,
    sessionId: string,
    uploadId: string,
    upload: PutUpload,
    body: AsyncIterable<Uint8Array>,
  ): Promise<Result<UploadState>> {
    const found = await this.#linkOf(login, sessionId);
    if (!found.ok) return found;
    const fits = withinUploadSize(this.#options.limits, upload.size);
    if (!fits.ok) return fits;
    const { link } = found.value;
    const about = { ...upload, name: safeFileName(upload.name), sessionId, uploadId, ownerId: found.value.row.ownerId };
    const window = this.#windowOf(link);
    const answers: Promise<Result<UploadState>>[] = [];
    let refused = false;
    let { offset } = upload;
    try {
      for await (const data of pieces(body)) {
        await window.take(data.byteLength);
        if (refused) {
          window.give(data.byteLength);
          break;
        }
        const answer = link.ask({ type: 'uploadPut', ...about, offset, data }).then((result) => {
          window.give(data.byteLength);
          refused ||= !result.ok;
          return result.ok ? ok(result.value.upload) : result;
        });
        answers.push(answer);
        offset += data.byteLength;
      }
    } finally {
      await Promise.all(answers);
    }
    const results = await Promise.all(answers);
    // The first refusal is the reason; later pieces only found a gap.
    return results.find((result) => !result.ok) ?? results.at(-1) ?? fail('bad_request', 'The body is empty.');
  }

  async state(login: Login, sessionId: string, uploadId: string): Promise<Result<UploadState>> {
    const found = await this.#linkOf(login, sessionId);
    if (!found.ok) return found;
    const answer = await found.value.link.ask({ type: 'uploadState', sessionId, uploadId });
    return answer.ok ? ok(answer.value.upload) : answer;
  }

  async remove(login: Login, sessionId: string, uploadId: string): Promise<Result<null>> {
    const found = await this.#linkOf(login, sessionId);
    if (!found.ok) return found;
    const answer = await found.value.link.ask({ type: 'uploadRemove', sessionId, uploadId });
    return answer.ok ? ok(null) : answer;
  }

  async content(login: Login, sessionId: string, uploadId: string): Promise<Result<UploadContent>> {
    const found = await this.#linkOf(login, sessionId);
    if (!found.ok) return found;
    const { link } = found.value;
    const answer = await link.ask({ type: 'uploadState', sessionId, uploadId });
    if (!answer.ok) return answer;
    const { upload } = answer.value;
    if (!upload.complete) return fail('conflict', 'This file has not come whole yet.');
    return ok({ upload, bytes: contentOf(link, sessionId, upload) });
  }

  /** Before a message is stored. A machine that is away cannot be asked: it says at delivery what has gone. */
  async check({ id, runnerId }: SessionRow, attachments: readonly Attachment[]): Promise<Result<null>> {
    const link = this.#options.link(runnerId);
    if (!link.ok) return ok(null);
    const answer = await link.value.ask({ type: 'uploadCheck', sessionId: id, attachments: [...attachments] });
    if (answer.ok || answer.error.kind === 'runner_offline') return ok(null);
    return answer;
  }

  /** The session is no more. A machine that is away hears of it when it comes. */
  drop({ id, runnerId }: Pick<SessionRow, 'id' | 'runnerId'>): void {
    const link = this.#options.link(runnerId);
    if (link.ok) link.value.send({ type: 'uploadsDrop', sessionId: id });
  }

  /** A machine has come: what it keeps for sessions that are no more goes. */
  async runnerReady(runnerId: string): Promise<void> {
    const link = this.#options.link(runnerId);
    if (!link.ok) return;
    for (const id of link.value.uploads) {
      const row = await this.#options.store.session(id);
      if (row?.runnerId !== runnerId) this.drop({ id, runnerId });
    }
  }

  async #linkOf(login: Login, sessionId: string): Promise<Result<{ row: SessionRow; link: RunnerLink }>> {
    const row = await this.#options.row(login, sessionId);
    if (!row.ok) return row;
    const link = this.#options.link(row.value.runnerId);
    return link.ok ? ok({ row: row.value, link: link.value }) : link;
  }

  #windowOf(link: RunnerLink): ByteWindow {
    const window = this.#windows.get(link) ?? new ByteWindow(windowBytes);
    this.#windows.set(link, window);
    return window;
  }
}

/** Pieces of what comes, none larger than fits the link; at least one, also of nothing. */
async function* pieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let any = false;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength; at += wire.uploadPiece) {
      any = true;
      yield chunk.subarray(at, at + wire.uploadPiece);
    }
  }
  if (!any) yield new Uint8Array(0);
}

/** Asked for piece by piece as it is taken. Throws when the machine goes, or the file does. */
async function* contentOf(link: RunnerLink, sessionId: string, upload: UploadState): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < upload.size;) {
    const answer = await link.ask({ type: 'uploadRead', sessionId, uploadId: upload.id, from });
    if (!answer.ok) throw new Error(`the file broke off: ${answer.error.message}`);
    const { data } = answer.value;
    if (data.byteLength === 0) throw new Error('the file is shorter than it was');
    yield data;
    from += data.byteLength;
  }
}
