import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Authentication, openAuthentication } from '@holdfast/server/auth/authentication.ts';
import { readOrCreateSecret } from '@holdfast/server/auth/secret.ts';
import type { Configuration } from '@holdfast/server/config/configuration.ts';
import type { Logger } from 'pino';
import { Failure } from './failure.ts';

/** The login database of the data directory, opened. The caller closes it. */
export async function openAccess(configuration: Configuration, log: Logger): Promise<Authentication> {
  const secret = readOrCreateSecret(configuration.dataDirectory, randomBytes);
  if (!secret.ok) throw new Failure('data', secret.error.message);
  const databasePath = join(configuration.dataDirectory, 'access.db');
  // SQLite would make it readable for others; what it makes beside it takes over this mode.
  closeSync(openSync(databasePath, 'a', 0o600));
  const opened = await openAuthentication({
    databasePath,
    secret: secret.value,
    baseUrl: configuration.publicUrl ?? `http://${configuration.host}:${configuration.port}`,
    log,
    now: () => Date.now(),
    ownerName: userInfo().username,
  });
  if (!opened.ok) throw new Failure('data', opened.error.message);
  return opened.value;
}
