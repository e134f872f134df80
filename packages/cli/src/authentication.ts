import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Authentication, openAuthentication } from '@holdfast/server/auth/authentication.ts';
import { readOrCreateSecret } from '@holdfast/server/auth/secret.ts';
import type { Configuration } from '@holdfast/server/config/configuration.ts';
import type { Logger } from 'pino';
import { originOf } from './banner.ts';
import { Failure } from './failure.ts';

/** The login database of the data directory, opened. The caller closes it. */
export async function openAccess(configuration: Configuration, log: Logger): Promise<Authentication> {
  const secret = readOrCreateSecret(configuration.dataDirectory, randomBytes);
  if (!secret.ok) throw new Failure('data', secret.error.message);
  const opened = await openAuthentication({
    databasePath: join(configuration.dataDirectory, 'access.db'),
    secret: secret.value,
    baseUrl: configuration.publicUrl ?? originOf(configuration.host, configuration.port),
    log,
    now: () => Date.now(),
    ownerName: userInfo().username,
  });
  if (!opened.ok) throw new Failure('data', opened.error.message);
  return opened.value;
}
