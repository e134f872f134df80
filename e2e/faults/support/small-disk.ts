/** A file system of its own for a data directory, which can be full or read-only. Needs root and mount. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '@holdfast/testkit/programs.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';

export interface SmallDisk {
  readonly path: string;
  /** Writes until nothing more goes in. */
  fill(): void;
  free(): void;
  setReadOnly(readOnly: boolean): void;
  [Symbol.dispose](): void;
}

/** null: not allowed here. */
export function mountSmallDisk(mebibytes: number): SmallDisk | null {
  if (process.getuid?.() !== 0 || findProgram('mount') === null) return null;
  const directory = temporaryDirectory();
  const { path } = directory;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path], { stdio: 'pipe' });
  } catch {
    directory[Symbol.dispose]();
    return null;
  }
  const ballast = join(path, 'ballast');
  return {
    path,
    fill: () => {
      for (const block of [1024 * 1024, 4096, 512]) {
        try {
          for (;;) writeFileSync(ballast, Buffer.alloc(block), { flag: 'a' });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
    },
    free: () => rmSync(ballast, { force: true }),
    setReadOnly: (readOnly) => {
      execFileSync('mount', ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, path], { stdio: 'pipe' });
    },
    [Symbol.dispose]: () => {
      execFileSync('umount', ['-l', path], { stdio: 'pipe' });
      directory[Symbol.dispose]();
    },
  };
}
