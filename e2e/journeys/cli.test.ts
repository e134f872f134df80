/** The command line as a client of a running server: real processes, killed as machines and people kill them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { listOutbox } from '@holdfast/cli/client/file-outbox.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { type Installation, bin, end, install, lineOf } from '../support/program.ts';

let holdfast: Installation;
let api: Api;

beforeAll(async () => {
  holdfast = await install({ model: false });
  await holdfast.start();
  api = await Api.open(holdfast);
});
afterAll(() => holdfast.dispose());

const launch = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [bin, ...args], { env: holdfast.environment, stdio: ['ignore', 'pipe', 'pipe'] });

const newDemo = async (...prompt: string[]): Promise<string> => {
  const made = await holdfast.run('new', '--agent', 'demo', '--cwd', holdfast.workspaces, ...prompt);
  if (made.code !== 0) throw new Error(made.stderr);
  return made.stdout.trim();
};

/** What was said to the agent, in the order in which it was taken up or queued. */
async function said(session: string): Promise<string[]> {
  return (await api.log(session)).flatMap((fact) => (fact.type === 'message.user' ? [fact.data.text] : []));
}

describe('the command line', () => {
  it('CLI1: killed in the middle of sends, each message arrives once and in order', async () => {
    const session = await newDemo();
    const killed = ['one', 'two', 'three'];
    for (const text of killed) {
      const child = launch('send', session, text);
      const gone = once(child, 'exit');
      // Kept, and perhaps already sent or told: from here on it may not be lost.
      await eventually(
        'kept',
        () =>
          child.exitCode !== null ||
          listOutbox(join(holdfast.directory, 'data')).some(
            ({ command }) => command.type === 'message.send' && command.text === text,
          ),
        30_000,
      );
      child.kill('SIGKILL');
      await gone;
    }
    const last = await holdfast.run('send', session, 'last');
    expect(last).toMatchObject({ code: 0, stdout: 'Stored.\n' });
    expect(await said(session)).toEqual([...killed, 'last']);
    expect(listOutbox(join(holdfast.directory, 'data'))).toEqual([]);
  });

  it('CLI5: two at once without a server keep both; the next run sends them, once', async () => {
    const session = await newDemo();
    await holdfast.kill();
    const both = await Promise.all([holdfast.run('send', session, 'a'), holdfast.run('send', session, 'b')]);
    for (const { code, stderr } of both) {
      expect(code).toBe(15);
      expect(stderr).toMatch(/^Kept on this machine: .*holdfast outbox shows it\.\n$/);
    }
    const outbox = await holdfast.run('outbox');
    expect(outbox.stdout.split('\n').filter((row) => row.includes('kept, the next run sends it'))).toHaveLength(2);
    await holdfast.start();
    const next = await Promise.all([holdfast.run('ls'), holdfast.run('ls')]);
    expect(next.map(({ code }) => code)).toEqual([0, 0]);
    expect(next.map(({ stderr }) => stderr).join('')).toMatch(/Sent what was kept: a message "[ab]"/);
    expect((await said(session)).sort()).toEqual(['a', 'b']);
    expect(next[0]?.stdout).toContain(session);
  });

  it('CLI10: an approval outlives the command line that waited for it, and a late answer is told who was first', async () => {
    const session = await newDemo();
    const waiting = launch('send', session, 'write kept.txt hello', '--wait');
    await lineOf(waiting, /(Waiting for you: .*kept\.txt)/);
    const before = await holdfast.run('approve', '--json');
    const [asked] = JSON.parse(before.stdout) as { id: string }[];
    await end(waiting, 'SIGKILL');
    expect((await holdfast.run('approve', '--json')).stdout).toBe(before.stdout);
    await api.answer(asked?.id ?? '', { decision: 'allow' });
    await api.fact(session, 'turn.ended');
    const late = await holdfast.run('deny', asked?.id ?? '', 'too late');
    expect(late.code).toBe(10);
    expect(late.stderr).toMatch(/^Already allowed by .+, test, \d{4}-\d\d-\d\d \d\d:\d\d\.\n$/);
  });

  it('CLI10: allowed from the command line, the agent goes on, and send --wait sees it done', async () => {
    const session = await newDemo();
    const waiting = launch('send', session, 'write done.txt hello', '--wait');
    await lineOf(waiting, /(Waiting for you: .*done\.txt)/);
    const exit = once(waiting, 'exit');
    const [id = ''] = (await holdfast.run('approve')).stdout.split('  ');
    const allowed = await holdfast.run('approve', id);
    expect(allowed.stdout).toMatch(/^Allowed once: .*done\.txt\n$/);
    expect((await exit)[0]).toBe(0);
    const logs = await holdfast.run('logs', session);
    expect(logs.stdout).toMatch(/write done\.txt hello[^]*> write: .*done\.txt[^]*Allowed by .*[^]*Done/);
  });
});
