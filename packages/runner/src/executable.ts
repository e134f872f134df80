/** Finding the program a terminal runs, before anything is started: a shell that is not there is told in words. */
import { accessSync, constants, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { Environment } from './environment.ts';

/** An absolute path, or a name looked up on `path` (the PATH the program will get). bad_request when it cannot run. */
export function findExecutable(file: string, path: string): Result<string> {
  if (file.includes('\0')) return fail('bad_request', 'the program’s name holds a NUL byte');
  if (isAbsolute(file)) {
    return isExecutable(file) ? ok(file) : fail('bad_request', `${file} cannot be run: no such program`);
  }
  if (file.includes('/')) return fail('bad_request', `${file} cannot be run: give an absolute path or a name on PATH`);
  for (const directory of path.split(':')) {
    if (isAbsolute(directory) && isExecutable(join(directory, file))) return ok(join(directory, file));
  }
  return fail('bad_request', `${file} cannot be run: no such program on PATH`);
}

/** The person's login shell: of the environment, of the account, or what every system has. */
export function defaultShell(environment: Environment): string {
  const candidates = [environment['SHELL'], accountShell(), '/bin/bash'];
  return candidates.find((file) => file !== undefined && isAbsolute(file) && isExecutable(file)) ?? '/bin/sh';
}

function accountShell(): string | undefined {
  try {
    return userInfo().shell ?? undefined;
  } catch {
    // An account without an entry in /etc/passwd (containers).
    return undefined;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
