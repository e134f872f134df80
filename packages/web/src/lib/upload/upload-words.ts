/** How far a file is, and why a message cannot go yet. */
import type { UploadProgress } from '@holdfast/core/client/upload-machine.ts';
import type { ErrorBody, ErrorKind } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { count } from '@holdfast/core/words/state-words.ts';

/** null: it is being made ready on this device. */
export type FileProgress = UploadProgress | null;

export function sizeWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function fileWords(progress: FileProgress): string {
  if (progress === null) return 'Preparing';
  const percent = progress.size === 0 ? 0 : Math.floor((100 * progress.offset) / progress.size);
  switch (progress.status) {
    case 'sending':
      return `Sending, ${percent} %`;
    case 'waiting': {
      const { kind, message } = progress.error;
      if (isRefusal(progress.error)) return message;
      const there = percent === 0 ? '' : `, ${percent} % is there`;
      return `Waiting for the ${kind === 'runner_offline' ? 'machine' : 'network'}${there}`;
    }
    case 'complete':
      return sizeWords(progress.size);
    case 'failed':
      return progress.error.message;
  }
}

/** When it goes on by itself, in milliseconds of the client's clock; null: nobody knows, or it does not wait. */
export const goesOnAt = (progress: FileProgress): number | null =>
  progress?.status === 'waiting' && isRefusal(progress.error) ? progress.until : null;

/** A server that is there has said it. Without a time of its own, "unavailable" is only what one makes of silence. */
const isRefusal = ({ kind, retryAfterMs }: ErrorBody): boolean =>
  kind !== 'runner_offline' && ((kind !== 'unavailable' && kind !== 'timeout') || retryAfterMs !== undefined);

/** What of the chosen files was not taken, and why; null: all were. */
export function leftOutWords(surplus: number, folders: number): string | null {
  const words = [
    ...(folders > 0 ? ['Folders cannot be sent; choose the files in them.'] : []),
    ...(surplus > 0
      ? [`${limits.attachments} files can go at a time; ${surplus} ${surplus === 1 ? 'was' : 'were'} left out.`]
      : []),
  ];
  return words.length === 0 ? null : words.join(' ');
}

/** Another attempt may help, and is the person's to make. */
export const canRetry = (progress: FileProgress): boolean =>
  progress?.status === 'failed' && !hopeless.has(progress.error.kind);

/** The file itself is the reason. */
const hopeless: ReadonlySet<ErrorKind> = new Set(['payload_too_large', 'bad_request']);

/** null: all files are there. */
export function waitingWords(files: readonly FileProgress[]): string | null {
  const failed = files.filter((progress) => progress?.status === 'failed');
  if (failed.length > 0) {
    return `${failed.some(canRetry) ? 'Retry or remove' : 'Remove'} ${count(failed.length, 'file')}`;
  }
  const underway = files.filter((progress) => progress?.status !== 'complete').length;
  return underway === 0 ? null : `Waiting for ${count(underway, 'file')}`;
}
