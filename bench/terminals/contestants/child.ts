/** Programs the bench starts and finds. */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Resources } from '@holdfast/cli/resources.ts';
import { end, lineOf } from '../../../e2e/support/program.ts';

export interface StartedProgram {
  readonly pid: number;
  /** The first group of `pattern` in what it printed. */
  readonly found: string;
  stop(): Promise<void>;
}

/** Resolves once it has printed `pattern`; its standard input is open until it is stopped. */
export async function startProgram(
  owner: Resources,
  command: readonly [string, ...string[]],
  pattern: RegExp,
): Promise<StartedProgram> {
  const child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
  owner.add(() => end(child, 'SIGKILL'));
  const found = await lineOf(child, pattern);
  return { pid: child.pid as number, found, stop: () => end(child, 'SIGKILL') };
}

/** Absolute path of a program, or null. */
export function programPath(name: string): string | null {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.map((directory) => join(directory, name)).find((path) => isExecutable(path)) ?? null;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Compiles one of ../programs into `directory`. Throws with the compiler's words. */
export function compile(name: string, directory: string): string {
  const source = fileURLToPath(new URL(`../programs/${name}.c`, import.meta.url));
  const path = join(directory, basename(name));
  const compiled = spawnSync('cc', ['-O2', '-o', path, source, '-lutil'], { encoding: 'utf8' });
  if (compiled.status !== 0) throw new Error(compiled.stderr);
  return path;
}

/** Seconds from `begin` (performance.now()) to the first 200 of an address. */
export async function firstAnswer(url: string, begin: number): Promise<number> {
  for (;;) {
    const answered = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answered) return (performance.now() - begin) / 1_000;
    if (performance.now() - begin > 60_000) throw new Error(`${url} does not answer`);
    await delay(2);
  }
}
