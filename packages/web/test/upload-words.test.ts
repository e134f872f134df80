import { describe, expect, it } from 'vitest';
import type { UploadProgress } from '@holdfast/core/client/upload-machine.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { fittingSize } from '#lib/upload/fitting-size.ts';
import { shellQuoted } from '#lib/upload/shell-quote.ts';
import { asItIs } from '#lib/upload/shrink-image.ts';
import {
  type FileProgress,
  canRetry,
  fileWords,
  goesOnAt,
  leftOutWords,
  sizeWords,
  waitingWords,
} from '#lib/upload/upload-words.ts';

const at = { size: 1_000, offset: 282 };
const upload = { id: 'u', name: 'a', mediaType: 'text/plain', size: 1_000, offset: 1_000, complete: true };
const sending: UploadProgress = { ...at, status: 'sending' };
const complete: UploadProgress = { ...at, offset: 1_000, status: 'complete', upload };
const waiting = (error: ErrorBody): UploadProgress => ({ ...at, status: 'waiting', error, until: 70 });
const failed = (error: ErrorBody): UploadProgress => ({ ...at, status: 'failed', error });
const tooLarge = failed({ kind: 'payload_too_large', message: 'A file may have 1 MiB; this one has 2 MiB.' });
const refused = failed({ kind: 'quota_exceeded', message: 'This session has 200 files.' });

describe('what is said at a file', () => {
  it('PAGE12: how far it is, or why it does not go on, and never a share that is not there', () => {
    expect(fileWords(null)).toBe('Preparing');
    expect(fileWords(sending)).toBe('Sending, 28 %');
    expect(fileWords({ status: 'sending', size: 1_000, offset: 999 })).toBe('Sending, 99 %');
    expect(fileWords({ status: 'sending', size: 0, offset: 0 })).toBe('Sending, 0 %');
    expect(fileWords(complete)).toBe('1 kB');
    expect(fileWords(tooLarge)).toBe('A file may have 1 MiB; this one has 2 MiB.');
  });

  it('PAGE12: silence is the network, a machine that is away is the machine, and neither is counted down', () => {
    const silence = waiting({ kind: 'unavailable', message: 'fetch failed' });
    expect(fileWords(silence)).toBe('Waiting for the network, 28 % is there');
    expect(fileWords({ ...silence, offset: 0 })).toBe('Waiting for the network');
    const away = waiting({ kind: 'runner_offline', message: 'x' });
    expect(fileWords(away)).toBe('Waiting for the machine, 28 % is there');
    expect([silence, away, sending, null].map(goesOnAt)).toEqual([null, null, null, null]);
  });

  it('PAGE12: what a server refuses for a time is in its words, with the time', () => {
    const limited = waiting({ kind: 'rate_limited', message: 'Too many requests.', retryAfterMs: 4_000 });
    expect(fileWords(limited)).toBe('Too many requests.');
    expect(goesOnAt(limited)).toBe(70);
    expect(goesOnAt(waiting({ kind: 'unavailable', message: 'Closing.', retryAfterMs: 500 }))).toBe(70);
  });

  it('PAGE12: a message goes when all its files are there, and says for which of them it waits', () => {
    const words = (...files: FileProgress[]): string | null => waitingWords(files);
    expect(words()).toBeNull();
    expect(words(complete, complete)).toBeNull();
    expect(words(complete, sending, null)).toBe('Waiting for 2 files');
    expect(words(sending, tooLarge)).toBe('Remove 1 file');
    expect(words(refused, tooLarge)).toBe('Retry or remove 2 files');
    expect([refused, tooLarge, sending, null].map(canRetry)).toEqual([true, false, false, false]);
  });

  it('PAGE12: what was not taken is told', () => {
    expect(leftOutWords(0, 0)).toBeNull();
    expect(leftOutWords(1, 0)).toBe(`${limits.attachments} files can go at a time; 1 was left out.`);
    expect(leftOutWords(3, 1)).toMatch(/^Folders cannot be sent.*3 were left out\.$/);
  });

  it('PAGE12: sizes in few words', () => {
    expect([0, 999, 1_000, 999_499, 999_500, 26_214_400].map(sizeWords)).toEqual([
      '0 B',
      '999 B',
      '1 kB',
      '999 kB',
      '1.0 MB',
      '26.2 MB',
    ]);
  });
});

describe('what is made of a file', () => {
  it('PAGE13: an image keeps its shape, is never enlarged, and has no side below a pixel', () => {
    expect(fittingSize({ width: 3_000, height: 1_500 }, 1_568)).toEqual({ width: 1_568, height: 784 });
    expect(fittingSize({ width: 800, height: 600 }, 1_568)).toEqual({ width: 800, height: 600 });
    expect(fittingSize({ width: 1, height: 9_000 }, 1_568)).toEqual({ width: 1, height: 1_568 });
    expect(fittingSize({ width: 0, height: 0 }, 1_568)).toEqual({ width: 1, height: 1 });
  });

  it('PAGE13: a type nobody can name is bytes', () => {
    const typed = (type: string): string => asItIs(new File(['x'], 'x', { type })).mediaType;
    expect(typed('Text/Plain;charset=utf-8')).toBe('text/plain');
    expect(typed('')).toBe('application/octet-stream');
    expect(typed('nonsense')).toBe('application/octet-stream');
  });

  it('PAGE13: a path is one word for a shell, whatever is in it', () => {
    expect(shellQuoted('/data/up_1/shot-2.png')).toBe('/data/up_1/shot-2.png');
    expect(shellQuoted('/data/my shot.png')).toBe("'/data/my shot.png'");
    expect(shellQuoted("/data/it's $(reboot)")).toBe("'/data/it'\\''s $(reboot)'");
    expect(shellQuoted('')).toBe("''");
  });
});
