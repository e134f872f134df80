/** One server per data directory. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type ProcessLock, holdLock, isHeld } from './process-lock.ts';

const noteSchema = z.object({
  pid: z.number().int(),
  /** Under which others reach it. */
  url: z.string(),
  /** Under which this machine reaches it. Of a runner: none, its server is elsewhere. */
  origin: z.url().optional(),
});
export type Instance = Readonly<z.infer<typeof noteSchema>>;

export interface InstanceLock extends ProcessLock {
  /** Tells others (stop, doctor) where this server is. */
  announce(instance: Instance): void;
}

/** null: another server has it. Throws when the directory cannot be written. */
export function lockInstance(dataDirectory: string): InstanceLock | null {
  const lock = holdLock(lockFile(dataDirectory));
  if (lock === null) return null;
  return {
    ...lock,
    announce: (instance) => writeFileSync(noteFile(dataDirectory), JSON.stringify(instance), { mode: 0o600 }),
  };
}

/** The server that has this directory now, or null. */
export function runningInstance(dataDirectory: string): Instance | null {
  try {
    return isHeld(lockFile(dataDirectory)) ? readNote(dataDirectory) : null;
  } catch {
    return null;
  }
}

/** Where the server of this directory is reached from this machine, or was when it last ran; null: none has run. */
export function lastOrigin(dataDirectory: string): string | null {
  return readNote(dataDirectory)?.origin ?? null;
}

function readNote(dataDirectory: string): Instance | null {
  try {
    return noteSchema.parse(JSON.parse(readFileSync(noteFile(dataDirectory), 'utf8')));
  } catch {
    return null;
  }
}

function lockFile(dataDirectory: string): string {
  return join(dataDirectory, 'server.lock');
}

function noteFile(dataDirectory: string): string {
  return join(dataDirectory, 'server.json');
}
