import { accessSync, chmodSync, constants, mkdirSync, readFileSync, statSync } from 'node:fs';
import { type Configuration, configurationFile, readConfiguration } from '@holdfast/server/config/configuration.ts';
import { Failure } from './failure.ts';

/** The settings from the environment and the data directory's file. Failure: every fault, a line each. */
export function loadConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const read = readConfiguration(environment, textOf(configurationFile(environment)));
  if (read.ok) return read.value;
  throw new Failure('configuration', `The configuration has faults:\n${read.error.message.replace(/^/gm, '  ')}`);
}

/** Makes the data directory readable by its owner only. */
export function prepareDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Failure('data', `The data directory ${path} cannot be used: ${(error as Error).message}`);
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // ENOTDIR: the data directory itself is wrong, which is said when it is prepared.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new Failure('configuration', `${file} cannot be read: ${(error as Error).message}`);
  }
}
