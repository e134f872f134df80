/** Which server the command line asks, and with which key. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Configuration } from '@holdfast/server/config/configuration.ts';
import { localOrigin } from '../banner.ts';
import { Failure } from '../failure.ts';
import { lastOrigin } from '../instance-lock.ts';
import { serverOrigin } from '../server-origin.ts';
import type { Where } from './client-arguments.ts';

export interface ServerAccess {
  readonly url: string;
  readonly key: string;
  /** Names the server in the outbox. That of this machine has one name, whatever its port. */
  readonly name: string;
  /** It runs on this machine, with this data directory. */
  readonly local: boolean;
  /** What to do when the key is not valid there. */
  readonly remedy: string;
}

export const localName = 'this machine';

/**
 * Failure: no server is named and none has run here, or no key for one that is named. The key of this machine is only
 * ever sent to the server of this machine.
 */
export async function serverAccess(
  configuration: Configuration,
  where: Where,
  environment: NodeJS.ProcessEnv,
): Promise<ServerAccess> {
  const given = (name: string): string | null => environment[name]?.trim() || null;
  const server = where.server ?? given('HOLDFAST_SERVER');
  const key = where.key ?? given('HOLDFAST_KEY');
  if (server !== null) {
    const url = serverOrigin(server);
    if (key === null) {
      throw new Failure(
        'usage',
        `${url} asks for an API key: --key KEY or HOLDFAST_KEY. Make one on its machine with: holdfast key create --label NAME`,
      );
    }
    return {
      url,
      key,
      name: url,
      local: false,
      remedy: 'Make a new one on its machine with: holdfast key create --label NAME',
    };
  }
  const { dataDirectory, host, port } = configuration;
  const url = lastOrigin(dataDirectory) ?? localOrigin(host, port);
  const local = { url, name: localName, local: true };
  if (key !== null) return { ...local, key, remedy: 'Leave --key and HOLDFAST_KEY out: this machine has its own.' };
  const file = join(dataDirectory, 'cli-key');
  return {
    ...local,
    key: await machineKey(configuration, file),
    remedy: `Remove ${file} and try again: a new one is made.`,
  };
}

/** The key of this machine's command line, made with the first use, readable by its owner only. */
async function machineKey(configuration: Configuration, file: string): Promise<string> {
  const kept = readKey(file);
  if (kept !== null) return kept;
  if (!existsSync(join(configuration.dataDirectory, 'access.db'))) {
    throw new Failure(
      'usage',
      'No server has run on this machine with this data directory. Start one (npm start), or name one: --server URL --key KEY',
    );
  }
  const { createKey } = await import('../access.ts');
  const key = await createKey(configuration, `holdfast on ${hostname()}`);
  try {
    writeFileSync(file, `${key}\n`, { mode: 0o600, flag: 'wx', flush: true });
    return key;
  } catch (error) {
    // Another process was first: its key is the one.
    const other = readKey(file);
    if (other !== null) return other;
    throw new Failure('data', `${file} cannot be written: ${(error as Error).message}`);
  }
}

function readKey(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Failure('data', `${file} cannot be read: ${(error as Error).message}`);
  }
}
