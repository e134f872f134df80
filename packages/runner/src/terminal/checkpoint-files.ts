/** Last parsed screens on disk, so that a new runner need not read a terminal's output from its beginning. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { screenSchema } from '@holdfast/protocol/screen.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';

export interface CheckpointFiles {
  /** null: none, or not readable (then the output is read from where the holder still has it). */
  read(processId: string): Promise<Screen | null>;
  /** Whole or not at all. Rejects when the disk does not take it. */
  write(processId: string, screen: Screen): Promise<void>;
  remove(processId: string): Promise<void>;
}

/** In `<dataDir>/screens`, made 0700; each file 0600: a screen may show anything. */
export function createCheckpointFiles(dataDir: string, log: Logger): CheckpointFiles {
  const directory = join(dataDir, 'screens');
  const pathOf = (processId: string): string => join(directory, `${processId}.json`);
  return {
    read: async (processId) => {
      let text: string;
      try {
        text = await readFile(pathOf(processId), 'utf8');
      } catch {
        return null;
      }
      try {
        return screenSchema.parse(JSON.parse(text));
      } catch (error) {
        log.warn({ err: error, processId }, 'a screen checkpoint cannot be read and is left out');
        return null;
      }
    },
    write: async (processId, screen) => {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const unfinished = `${pathOf(processId)}.new`;
      await writeFile(unfinished, JSON.stringify(screen), { mode: 0o600 });
      await rename(unfinished, pathOf(processId));
    },
    remove: async (processId) => {
      await rm(pathOf(processId), { force: true });
      await rm(`${pathOf(processId)}.new`, { force: true });
    },
  };
}
