/** The command line as a client of a running server: real processes, killed as machines and people kill them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn as spawnPty } from '@lydell/node-pty';
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
      expect(stderr).toMatch(/(?:^|\n)Kept on this machine: .*holdfast outbox shows it\.\n$/);
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

  it('CLI12: attached, keys echo, the size follows, a kill -9 of the server is told and gone on from, each key once', async () => {
    const made = await holdfast.run('new', '--cwd', holdfast.workspaces, '--title', 'Attached');
    const session = made.stdout.trim();
    const pty = spawnPty(process.execPath, [bin, 'attach', 'Attached'], {
      ...{ cols: 90, rows: 20, cwd: holdfast.workspaces },
      env: { ...holdfast.environment, TERM: 'xterm-256color' },
    });
    let shown = '';
    pty.onData((data) => (shown += data));
    const exit = new Promise<number>((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)));
    const sees = (part: string | RegExp): Promise<true> =>
      eventually(`${String(part)} on the screen`, () => shown.search(part) >= 0, 30_000);

    await sees('Ctrl-\\] detaches');
    await eventually('it drives', async () => (await api.session(session)).terminal?.cols === 90, 30_000);
    pty.write('stty size; printf "%s-%s\\n" fir st\r');
    await sees('20 90');
    await sees('fir-st');
    pty.resize(70, 30);
    await eventually('resized', async () => (await api.session(session)).terminal?.cols === 70, 30_000);

    await holdfast.kill();
    await sees('Reconnecting');
    pty.write('echo once >> typed.txt; printf "%s-%s\\n" sec ond\r');
    await sees(/keys kept/);
    await holdfast.start();
    await sees('sec-ond');
    expect(readFileSync(join(holdfast.workspaces, 'typed.txt'), 'utf8')).toBe('once\n');

    pty.write('\u001d');
    expect(await exit).toBe(0);
    const restored = shown.lastIndexOf('\u001b[?1049l');
    expect(shown.indexOf('Detached. It goes on.', restored)).toBeGreaterThan(restored);
    expect((await api.session(session)).status).not.toBe('ended');
  });
});
