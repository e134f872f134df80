import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TcpProxy } from '../faults/support/tcp-proxy.ts';
import { Api } from '../support/api.ts';
import { type RemoteMachine, remoteMachine } from '../support/remote-machine.ts';
import { type Installation, install } from '../support/program.ts';
import { expectSoundLog } from '../support/sound-log.ts';

let holdfast: Installation;
let api: Api;
let far: RemoteMachine;
let runnerId: string;
let workspaceId: string;

beforeAll(async () => {
  holdfast = await install({ model: false });
  await holdfast.start();
  api = await Api.open(holdfast);
  far = remoteMachine('far away');
  await far.start(holdfast.origin, api.key);
  runnerId = (await theFarOne()).id;
  workspaceId = await api.workspace('work', runnerId);
});
afterAll(async () => {
  await far.dispose();
  await holdfast.dispose();
});

const theFarOne = () =>
  eventually('linked', async () => (await api.runners()).find((one) => one.name === 'far away' && one.online));
const online = (id: string) => eventually('online', async () => (await api.session(id)).runnerOnline, 40_000);
const offline = (id: string) => eventually('offline', async () => !(await api.session(id)).runnerOnline, 40_000);
const demo = (prompt: string) => api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo', prompt } });

async function terminal(): Promise<string> {
  const id = await api.create({ kind: 'terminal', workspaceId });
  await api.fact(id, 'session.started');
  return id;
}
let commands = 0;
const type = (id: string, data: string) => api.command(id, { id: `w${(commands += 1)}`, type: 'terminal.write', data });
const shows = (id: string, pattern: RegExp) =>
  eventually(String(pattern), async () => pattern.test(await api.screen(id)));

const streamed = 60;
/** What the demo agent says while nothing disturbs it; it says the same each time. */
let undisturbed: string | null = null;

async function saidAlone(): Promise<string> {
  const id = await demo(`stream ${streamed}`);
  await api.fact(id, 'turn.ended', (data) => data.outcome === 'completed');
  return saidIn(await api.log(id));
}

const saidIn = (log: readonly Fact[]): string =>
  log.flatMap((fact) => (fact.type === 'message.assistant' ? [fact.data.text] : [])).join(' ');

/** Every word of the demo agent's stream, once and in order. */
async function expectWholeStream(id: string): Promise<void> {
  const log = await api.log(id);
  expectSoundLog(log);
  undisturbed ??= await saidAlone();
  expect(saidIn(log)).toBe(undisturbed);
}

it('LINK12: another machine has its own identity, files and name, and works like the server’s own', async () => {
  const runners = await api.runners();
  expect(runners.map((one) => one.name)).toContain('far away');
  expect(runners).toHaveLength(2);
  expect(runners.find((one) => one.id === runnerId)?.roots).toEqual([far.workspaces]);
  const file = join(far.dataDirectory, 'runner-id');
  expect(readFileSync(file, 'utf8').trim()).toBe(runnerId);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const id = await terminal();
  await type(id, 'pwd; env | grep -c HOLDFAST_RUNNER; touch made-there\r');
  await shows(id, /far-workspaces\/work\n0\n/);
  expect(existsSync(join(far.workspaces, 'work/made-there'))).toBe(true);
  const turn = await demo('write notes.txt from afar');
  await api.answer((await api.fact(turn, 'approval.requested')).approvalId, { decision: 'allow' });
  await api.fact(turn, 'turn.ended', (data) => data.outcome === 'completed');
  expect(readFileSync(join(far.workspaces, 'work/notes.txt'), 'utf8')).toContain('from afar');
  await expect(api.workspace('work', 'no-such-machine')).rejects.toThrow('404');
});

it('LINK2, TURN5: the runner killed in mid-stream: shell and turn go on, what was sent meanwhile arrives once', async () => {
  const shell = await terminal();
  await type(shell, 'kept=by-the-shell; for i in $(seq 400); do echo line $i; sleep 0.01; done; echo all out\r');
  const turn = await demo(`stream ${streamed}`);
  await api.fact(turn, 'turn.started');
  await far.kill();
  await offline(shell);
  await type(shell, 'echo $kept >> sent-offline\r');
  await type(shell, 'echo and-then >> sent-offline\r');
  await far.start(holdfast.origin, api.key);
  await online(shell);
  expect((await theFarOne()).id).toBe(runnerId);
  await api.fact(turn, 'turn.ended', (data) => data.outcome === 'completed');
  await shows(shell, /line 400\nall out\n/);
  const file = join(far.workspaces, 'work/sent-offline');
  await eventually('both', () => existsSync(file) && readFileSync(file, 'utf8').includes('and-then'));
  expect(readFileSync(file, 'utf8')).toBe('by-the-shell\nand-then\n');
  expectSoundLog(await api.log(shell));
  await expectWholeStream(turn);
});

it('LINK1, TURN5: the server killed in mid-stream: the runner dials again, and all is told once', async () => {
  const shell = await terminal();
  await type(shell, 'kept=still-there\r');
  const turn = await demo(`stream ${streamed}`);
  const open = await demo('write held.txt asked before');
  const { approvalId } = await api.fact(open, 'approval.requested');
  await api.fact(turn, 'turn.started');
  await holdfast.kill();
  await eventually('noticed', () => far.output().includes('The link is lost'), 40_000);
  await holdfast.start();
  await online(shell);
  await eventually('it says so', () => far.output().match(/Linked to/g)?.length === 2);
  await api.fact(turn, 'turn.ended', (data) => data.outcome === 'completed');
  await api.answer(approvalId, { decision: 'allow' });
  await api.fact(open, 'turn.ended', (data) => data.outcome === 'completed');
  await type(shell, 'echo it is $kept\r');
  await shows(shell, /\nit is still-there\n/);
  for (const id of [shell, open]) expectSoundLog(await api.log(id));
  await expectWholeStream(turn);
});

it('LINK2, LINK4: the link cut again and again while commands are sent: each arrives once, in order', async () => {
  const proxy = await TcpProxy.open(Number(new URL(holdfast.origin).port));
  await far.stop();
  await far.start(proxy.origin, api.key);
  const shell = await terminal();
  const count = 60;
  for (let number = 1; number <= count; number += 1) {
    if (number % 12 === 0) proxy.cut(number % 24 === 0 ? 'drop' : 'reset');
    await type(shell, `echo ${number} >> cut\r`);
  }
  const file = join(far.workspaces, 'work/cut');
  await eventually('the last', () => readFileSync(file, 'utf8').endsWith(`${count}\n`), 60_000);
  expect(readFileSync(file, 'utf8')).toBe(Array.from({ length: count }, (_, index) => `${index + 1}\n`).join(''));
  await online(shell);
  expectSoundLog(await api.log(shell));
  await far.stop();
  await proxy.close();
  await far.start(holdfast.origin, api.key);
  await online(shell);
});

it('OPS9, HOLD1: stopped politely it says so and leaves the shells; what cannot work ends it with a word', async () => {
  const shell = await terminal();
  await type(shell, 'kept=left-running\r');
  expect(await far.stop()).toBe(0);
  expect(far.output()).toMatch(/Stopping \(SIGTERM\); shells and agents go on\.\n$/);
  expect(await far.runToEnd('ftp://nowhere', api.key)).toBe(2);
  expect(far.output()).toContain('A server is named like https://');
  expect(await far.runToEnd(holdfast.origin, '')).toBe(2);
  expect(far.output()).toContain('HOLDFAST_RUNNER_KEY');
  expect(await far.runToEnd(holdfast.origin, `hf_${'x'.repeat(64)}`)).toBe(1);
  expect(far.output()).toMatch(/refuses this machine: the key is not valid there/);
  await far.start(holdfast.origin, api.key);
  expect(await far.runToEnd(holdfast.origin, api.key)).toBe(5);
  expect(far.output()).toContain('is already used');
  await online(shell);
  await type(shell, 'echo it is $kept\r');
  await shows(shell, /\nit is left-running\n/);
});
