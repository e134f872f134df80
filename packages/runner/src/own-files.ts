/** Files and directories of ours, where others can write as we can: what is in the way is never followed. */
import { constants } from 'node:fs';
import { lstat, mkdir, open, rename } from 'node:fs/promises';

const { O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;

/** Something other than what was put there stands in the way. */
export class InTheWay extends Error {}

/** For its owner only. Made where missing; a link or a file in its place is not followed. */
export async function ownDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    if (!(await lstat(path)).isDirectory()) throw new InTheWay(`${path} is no directory`);
  }
}

/** The text at `path`, whole or as before; `unfinished` is where it is written. */
export async function replaceFile(path: string, unfinished: string, text: string): Promise<void> {
  {
    await using file = await open(unfinished, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600);
    await file.truncate(0);
    await file.writeFile(text);
  }
  await rename(unfinished, path);
}

/** '' for what is no error of the system. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
