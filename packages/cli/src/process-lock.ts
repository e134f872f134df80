/**
 * A lock that lives exactly as long as its process: an open SQLite transaction on a file of its own. The kernel lets go
 * of it the moment the process dies, however it dies, so there is no stale lock to explain away.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

export interface ProcessLock {
  release(): void;
}

/** null: somebody else has it. Throws when the file cannot be written. */
export function holdLock(file: string): ProcessLock | null {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return { release: () => database.close() };
}

/** Whether a living process holds it. Looking takes nothing from anybody: who wants it at this moment gets it. */
export function isHeld(file: string): boolean {
  if (!existsSync(file)) return false;
  const database = new DatabaseSync(file, { timeout: 0, readOnly: true });
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY and SQLITE_LOCKED
  return error instanceof Error && 'errcode' in error && (error.errcode === 5 || error.errcode === 6);
}
