/** One server per data directory. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProcessLock, holdLock } from './process-lock.ts';

export interface Instance {
  readonly pid: number;
  readonly url: string;
}

export interface InstanceLock extends ProcessLock {
  /** Tells others (stop, doctor) where this server is. */
  announce(instance: Instance): void;
}

/** null: another server has it. Throws when the directory cannot be written. */
export function lockInstance(dataDirectory: string): InstanceLock | null {
  const lock = holdLock(join(dataDirectory, 'server.lock'));
  if (lock === null) return null;
  return {
    ...lock,
    announce: (instance) => writeFileSync(noteFile(dataDirectory), JSON.stringify(instance), { mode: 0o600 }),
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
