/** The key that signs login cookies: 32 random bytes, in `<data directory>/secret`, readable by its owner only. */
import { chmodSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Result } from '@holdfast/protocol/error.ts';

const bytes = 32;

/**
 * Answers the secret as 64 hexadecimal digits; makes it the first time. `random` gives that many random bytes.
 * unavailable: the file is there and is no secret (it is left as it is: a new one would log everybody out).
 */
export function readOrCreateSecret(dataDirectory: string, random: (size: number) => Buffer): Result<string> {
  const path = join(dataDirectory, 'secret');
  createIfMissing(path, random(bytes).toString('hex'));
  chmodSync(path, 0o600);
  const text = readFileSync(path, 'utf8').trim();
  return /^[0-9a-f]{64}$/.test(text)
    ? ok(text)
    : fail('unavailable', `${path} is damaged. Delete it to get a new one; everybody has to log in again then.`);
}

/** Never half a secret under the final name, and never two: the whole file is linked there unless the name is taken. */
function createIfMissing(path: string, secret: string): void {
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, `${secret}\n`, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
