/** What a machine is known by at every server it dials: made once, kept in its data directory. */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { idSchema } from '@holdfast/protocol/id.ts';
import { Failure } from './failure.ts';

/** Failure: the file cannot be read or written, or holds no id. The caller has the directory's lock. */
export function runnerIdentity(dataDirectory: string): string {
  const file = join(dataDirectory, 'runner-id');
  try {
    const kept = idSchema.safeParse(readFileSync(file, 'utf8').trim());
    if (kept.success) return kept.data;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(file, (error as Error).message);
    return make(file);
  }
  throw unusable(file, 'it holds no id. Remove it to make this a new machine.');
}

function make(file: string): string {
  const id = randomUUID();
  try {
    writeFileSync(file, `${id}\n`, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    throw unusable(file, (error as Error).message);
  }
  return id;
}

function unusable(file: string, why: string): Failure {
  return new Failure('data', `${file} cannot be used: ${why}`);
}
