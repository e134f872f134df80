import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { expect, it } from 'vitest';
import { lockInstance, runningInstance } from '../src/instance-lock.ts';

const lockModule = fileURLToPath(new URL('../src/instance-lock.ts', import.meta.url));

it('OPS2: one holds the lock, others see who; released, it is free', () => {
  using directory = temporaryDirectory();
  expect(runningInstance(directory.path)).toBeNull();
  const lock = lockInstance(directory.path);
  lock?.announce({ pid: 42, url: 'http://here' });
  expect(lockInstance(directory.path)).toBeNull();
  expect(runningInstance(directory.path)).toEqual({ pid: 42, url: 'http://here' });
  lock?.release();
  expect(runningInstance(directory.path)).toBeNull();
});

it('OPS2: a server that was killed leaves no lock behind', async () => {
  using directory = temporaryDirectory();
  const script = `const { lockInstance } = await import(${JSON.stringify(lockModule)});
    lockInstance(${JSON.stringify(directory.path)}).announce({ pid: process.pid, url: 'x' });
    process.stdout.write('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  expect(runningInstance(directory.path)).toEqual({ pid: child.pid, url: 'x' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(runningInstance(directory.path)).toBeNull();
});
