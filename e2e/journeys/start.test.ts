import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Installation, install } from '../support/program.ts';

let holdfast: Installation;
beforeEach(async () => {
  holdfast = await install({ model: false });
});
afterEach(() => holdfast.dispose());

const noTrace = /^(?![^]*\n\s+at )/;

it('OPS2: a second server on the same data directory is refused, the first goes on', async () => {
  await holdfast.start();
  const second = await holdfast.run('serve');
  expect(second.code).toBe(5);
  expect(second.stderr).toMatch(/already uses .* Stop it with/);
  expect(second.stderr).toMatch(noTrace);
  expect((await fetch(`${holdfast.origin}/healthz`)).status).toBe(200);
});

it('OPS3: a port in use is said in one line', async () => {
  const taken = createServer();
  const port = Number(new URL(holdfast.origin).port);
  await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
  const refused = await holdfast.run('serve');
  taken.close();
  expect(refused.code).toBe(5);
  expect(refused.stderr).toBe(`Port ${port} on 127.0.0.1 is taken. Choose another with HOLDFAST_PORT.\n`);
});

it('OPS3: a corrupt database is refused and not touched', async () => {
  const data = holdfast.environment['HOLDFAST_DATA_DIR'] ?? '';
  mkdirSync(data);
  const file = join(data, 'holdfast.db');
  writeFileSync(file, 'this is no database, '.repeat(500));
  const before = readFileSync(file);
  const refused = await holdfast.run('serve');
  expect(refused.code).toBe(4);
  expect(refused.stderr).toContain(file);
  expect(refused.stderr).toMatch(noTrace);
  expect(readFileSync(file).equals(before)).toBe(true);
});

it.skipIf(process.getuid?.() === 0)(
  'OPS3: an unwritable data directory is refused (as another user than root)',
  async () => {
    using locked = temporaryDirectory();
    chmodSync(locked.path, 0o500);
    holdfast.environment['HOLDFAST_DATA_DIR'] = join(locked.path, 'data');
    const refused = await holdfast.run('serve');
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(noTrace);
  },
);

it('OPS3: a data directory that is a file is refused', async () => {
  const file = join(holdfast.directory, 'file');
  writeFileSync(file, '');
  holdfast.environment['HOLDFAST_DATA_DIR'] = join(file, 'data');
  const refused = await holdfast.run('serve');
  expect(refused.code).toBe(4);
  expect(refused.stderr).toMatch(/cannot be used/);
  expect(refused.stderr).toMatch(noTrace);
});

it('OPS1: all faults of the configuration at once', async () => {
  Object.assign(holdfast.environment, { HOLDFAST_PORT: 'many', HOLDFAST_HOST: '??', HOLDFAST_PROT: '1' });
  const refused = await holdfast.run('serve');
  expect(refused.code).toBe(3);
  for (const name of ['HOLDFAST_PORT', 'HOLDFAST_HOST', 'HOLDFAST_PROT']) expect(refused.stderr).toContain(name);
});

it('AUTH5: the data directory and the files in it are for their owner only', async () => {
  await holdfast.start();
  const data = holdfast.environment['HOLDFAST_DATA_DIR'] ?? '';
  expect(statSync(data).mode & 0o777).toBe(0o700);
  for (const file of ['holdfast.db', 'access.db', 'secret', 'server.log']) {
    expect(statSync(join(data, file)).mode & 0o077, file).toBe(0);
  }
});

it('HOLD1: stop leaves the holder, stop --all ends it', async () => {
  await holdfast.start();
  const stopped = await holdfast.run('stop');
  expect(stopped.stdout).toContain('go on in the holder');
  expect((await holdfast.run('stop')).stdout).toContain('No server is running');
  expect((await holdfast.run('stop', '--all')).stdout).toContain('everything in it have ended');
  expect((await holdfast.run('stop', '--all')).stdout).toContain('No holder is running');
});
