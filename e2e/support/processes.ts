/** Processes of this installation, found the way an administrator would. */
import { readFileSync, readdirSync } from 'node:fs';

/** Pids whose command line has `part` and whose environment has `variable`. */
export function processesOf(part: string, variable: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes(part) && read(`/proc/${pid}/environ`).includes(variable))
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
