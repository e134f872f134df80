/** Keys and login links, made on the server's machine by whoever owns the data directory. */
import type { Configuration } from '@holdfast/server/config/configuration.ts';
import type { Authentication } from '@holdfast/server/auth/authentication.ts';
import { pino } from 'pino';
import { openAccess } from './authentication.ts';
import { Failure } from './failure.ts';
import { runningInstance } from './instance-lock.ts';

export async function createKey(configuration: Configuration, label: string): Promise<string> {
  return withAuthentication(configuration, async (authentication) => {
    const key = await authentication.createKey(label);
    if (!key.ok) throw new Failure('usage', key.error.message);
    return key.value;
  });
}

export async function createLoginLink(configuration: Configuration): Promise<string> {
  const origin =
    configuration.publicUrl ??
    runningInstance(configuration.dataDirectory)?.url ??
    `http://127.0.0.1:${configuration.port}`;
  return withAuthentication(
    configuration,
    async (authentication) => `${origin}${(await authentication.createLoginLink()).path}`,
  );
}

async function withAuthentication(
  configuration: Configuration,
  use: (authentication: Authentication) => Promise<string>,
): Promise<string> {
  const authentication = await openAccess(configuration, pino({ level: 'silent' }));
  try {
    return await use(authentication);
  } finally {
    authentication.close();
  }
}
