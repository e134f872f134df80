/** Somebody else's flood: a client in a process of its own that reads a terminal as fast as it can. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { end } from '../../e2e/support/program.ts';
import type { Address } from './contestants/contestant.ts';

/** Resolves once output flows; the terminal runs `endless` of scripts.ts. */
export async function startFlood(address: Address): Promise<{ stop(): Promise<void> }> {
  const child = fork(fileURLToPath(new URL('./flood-reader.ts', import.meta.url)), [JSON.stringify(address)]);
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the reader of the flood ended with ${code}`)));
  });
  return { stop: () => end(child, 'SIGKILL') };
}
