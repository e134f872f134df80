/**
 * One server per data directory. The lock is an open SQLite transaction on a file of its own: the kernel lets go of it
 * the moment the process dies, however it dies, so there is no stale lock to explain away.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Instance {
  readonly pid: number;
  readonly url: string;
}

export interface InstanceLock {
  /** Tells others (stop, doctor) where this server is. */
  announce(instance: Instance): void;
  release(): void;
}

/** null: another server has it. Throws when the directory cannot be written. */
export function lockInstance(dataDirectory: string): InstanceLock | null {
  const database = new DatabaseSync(join(dataDirectory, 'server.lock'), { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return {
    announce: (instance) => writeFileSync(noteFile(dataDirectory), JSON.stringify(instance), { mode: 0o600 }),
    release: () => database.close(),
  };
}

/** The server that has this directory now, or null. */
export function runningInstance(dataDirectory: string): Instance | null {
  let lock: InstanceLock | null;
  try {
    lock = lockInstance(dataDirectory);
  } catch {
    return null;
  }
  if (lock !== null) {
    lock.release();
    return null;
  }
  return readNote(dataDirectory);
}

function readNote(dataDirectory: string): Instance | null {
  try {
    const note: unknown = JSON.parse(readFileSync(noteFile(dataDirectory), 'utf8'));
    if (typeof note !== 'object' || note === null || !('pid' in note) || !('url' in note)) return null;
    return typeof note.pid === 'number' && typeof note.url === 'string' ? { pid: note.pid, url: note.url } : null;
  } catch {
    return null;
  }
}

function noteFile(dataDirectory: string): string {
  return join(dataDirectory, 'server.json');
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY and SQLITE_LOCKED
  return error instanceof Error && 'errcode' in error && (error.errcode === 5 || error.errcode === 6);
}
