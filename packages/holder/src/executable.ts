import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ProcessSpec } from './process.ts';

/**
 * Why `spec` cannot be started, or null. Asked beforehand, because a failed exec in a PTY looks like a program that
 * printed something and exited with 1.
 */
export function whyNotExecutable(spec: ProcessSpec): string | null {
  try {
    if (!statSync(spec.cwd).isDirectory()) return `${spec.cwd} is not a directory`;
    accessSync(spec.cwd, constants.X_OK);
  } catch (error) {
    return `working directory ${spec.cwd}: ${reason(error)}`;
  }
  if (spec.file === '') return 'no file to run';
  if (spec.file.includes('/')) return whyNotRunnable(resolve(spec.cwd, spec.file));
  let why = `${spec.file} is not in PATH`;
  // Without PATH, exec looks where the C library says.
  for (const directory of (spec.env['PATH'] ?? '/bin:/usr/bin').split(':')) {
    const path = resolve(spec.cwd, directory, spec.file);
    const fault = whyNotRunnable(path);
    if (fault === null) return null;
    if (!fault.endsWith('ENOENT') && !fault.endsWith('ENOTDIR')) why = fault;
  }
  return why;
}

function whyNotRunnable(path: string): string | null {
  try {
    if (!statSync(path).isFile()) return `${path} is not a file`;
    accessSync(path, constants.X_OK);
    return null;
  } catch (error) {
    return `${path}: ${reason(error)}`;
  }
}

function reason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
