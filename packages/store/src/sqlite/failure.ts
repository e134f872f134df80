/** What SQLite's result codes mean for us. The primary code is the low byte of the extended one. */
import { fail } from '@holdfast/protocol/error.ts';

export const lockedMessage = 'The database is locked by another program; repeat later.';
const full = 'The disk of the database is full; nothing was stored. Free some space, then repeat.';
const readOnly = 'The database cannot be written; nothing was stored. Check the permissions of its directory.';
const unreadable = 'The database cannot be read or written; check the disk of its directory.';
const damaged = 'The database is damaged; restore a backup.';

/** Failures of the surroundings. Every other code is a bug of ours, and is thrown. */
const messages: ReadonlyMap<number, string> = new Map([
  [5, lockedMessage], // BUSY
  [7, 'The database has no memory left; repeat later.'], // NOMEM
  [8, readOnly], // READONLY
  [10, unreadable], // IOERR
  [11, damaged], // CORRUPT
  [13, full], // FULL
  [14, unreadable], // CANTOPEN
  [26, damaged], // NOTADB
]);

/** Milliseconds after which a repeat is worth it. */
const retryAfterMs = 1_000;

/** The primary result code, or null for what is not SQLite's. */
function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}

export const isBusy = (error: unknown): boolean => resultCode(error) === 5;
export const isReadOnly = (error: unknown): boolean => resultCode(error) === 8;
export const isDamage = (error: unknown): boolean => [11, 26].includes(resultCode(error) ?? 0);

export type Unavailable = ReturnType<typeof fail>;

export const unavailable = (message: string): Unavailable => fail('unavailable', message, { retryAfterMs });

/** Null: not a failure of the surroundings. */
export function unavailableFrom(error: unknown): Unavailable | null {
  const message = messages.get(resultCode(error) ?? 0);
  return message === undefined ? null : unavailable(message);
}
