/** How far a file is, and why a message cannot go yet. */
import type { UploadProgress } from '@holdfast/core/client/upload-machine.ts';

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
      const { kind, message, retryAfterMs } = progress.error;
      const there = percent === 0 ? '' : `, ${percent} % is there`;
      if (kind === 'runner_offline') return `Waiting for the machine${there}`;
      // Without a time of its own it is not the server's word.
      if ((kind === 'unavailable' || kind === 'timeout') && retryAfterMs === undefined) {
        return `Waiting for the network${there}`;
      }
      return `${message} Trying again`;
    }
    case 'complete':
      return sizeWords(progress.size);
    case 'failed':
      return progress.error.message;
  }
}

/** null: all files are there. */
export function waitingWords(files: readonly FileProgress[]): string | null {
  const of = (count: number): string => (count === 1 ? '1 file' : `${count} files`);
  const failed = files.filter((progress) => progress?.status === 'failed').length;
  if (failed > 0) return `Retry or remove ${of(failed)}`;
  const underway = files.filter((progress) => progress?.status !== 'complete').length;
  return underway === 0 ? null : `Waiting for ${of(underway)}`;
}
