import { DatabaseSync } from 'node:sqlite';

/** SQLite's code for a lock that another process has. */
const sqliteBusy = 5;

/** Milliseconds. Two that try at the same instant may hinder each other for a moment; one of them then gets it. */
const patience = 250;

/** Kept for as long as this process lives: the lock goes with it. */
const taken: DatabaseSync[] = [];

/**
 * Locks the file at `path` (made if missing) for this process until it ends, however it ends: the kernel lets go of
 * SQLite's locks, and children do not inherit them. False: another process has it. Throws when it cannot be used.
 */
export function takeLock(path: string): boolean {
  const database = new DatabaseSync(path, { timeout: patience });
  try {
    // Without a journal on disk, which would outlive us.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) return false;
    throw error;
  }
  taken.push(database);
  return true;
}
