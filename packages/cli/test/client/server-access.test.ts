import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfiguration } from '@holdfast/server/config/configuration.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { expect, it } from 'vitest';
import { createKey } from '../../src/access.ts';
import { lockInstance } from '../../src/instance-lock.ts';
import { serverAccess } from '../../src/client/server-access.ts';

const nowhere = { server: null, key: null };

function configurationOf(path: string) {
  const read = readConfiguration({ HOME: path, HOLDFAST_DATA_DIR: path, HOLDFAST_SERVER: 'x', HOLDFAST_KEY: 'y' });
  if (!read.ok) throw new Error(read.error.message);
  return read.value;
}

it('CLI9: this machine has its own key, made once, which goes to no other server', async () => {
  using directory = temporaryDirectory();
  const configuration = configurationOf(directory.path);
  await expect(serverAccess(configuration, nowhere, {})).rejects.toThrow(/No server has run on this machine/);
  await createKey(configuration, 'another');
  const lock = lockInstance(directory.path);
  lock?.announce({ pid: 1, url: 'https://public.example', origin: 'http://127.0.0.1:4000' });
  const first = await serverAccess(configuration, nowhere, {});
  expect(first).toMatchObject({ url: 'http://127.0.0.1:4000', local: true });
  expect(first.key).toMatch(/^hf_/);
  expect(statSync(join(directory.path, 'cli-key')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(directory.path, 'cli-key'), 'utf8').trim()).toBe(first.key);
  lock?.release();
  expect(await serverAccess(configuration, nowhere, {})).toEqual(first);
  await expect(serverAccess(configuration, { ...nowhere, server: 'http://far.example' }, {})).rejects.toThrow(
    /API key/,
  );
  await expect(serverAccess(configuration, nowhere, { HOLDFAST_SERVER: 'http://far.example' })).rejects.toThrow(
    /API key/,
  );
  await expect(serverAccess(configuration, { server: 'far/x', key: 'k' }, {})).rejects.toThrow(/https:/);
  const far = await serverAccess(configuration, nowhere, { HOLDFAST_SERVER: 'http://far.example', HOLDFAST_KEY: 'k' });
  expect(far).toMatchObject({ url: 'http://far.example', key: 'k', name: 'http://far.example', local: false });
});

it('CLI9: on a runner\u2019s machine the server elsewhere is not taken for one here', async () => {
  using directory = temporaryDirectory();
  writeFileSync(join(directory.path, 'server.json'), JSON.stringify({ pid: 1, url: 'https://far.example' }));
  writeFileSync(join(directory.path, 'cli-key'), 'kept');
  const access = await serverAccess(configurationOf(directory.path), nowhere, {});
  expect(access).toMatchObject({ url: 'http://127.0.0.1:3030', key: 'kept' });
});
