import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { processesOf } from '../support/processes.ts';
import { type Installation, install } from '../support/program.ts';
import { expectSoundLog } from '../support/sound-log.ts';

let holdfast: Installation;
let api: Api;
let workspaceId: string;

beforeAll(async () => {
  holdfast = await install();
  await holdfast.start();
  api = await Api.open(holdfast);
  workspaceId = await api.workspace('agents');
});
afterAll(() => holdfast.dispose());

const claude = (prompt: string) => api.create({ kind: 'agent', workspaceId, agent: { provider: 'claude', prompt } });
const demo = (prompt: string, mode = 'agent') =>
  api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo', mode, prompt } });

it('TURN6: the agent killed in mid-turn: interrupted, what it wrote is kept, and it goes on in the same conversation', async () => {
  const id = await claude('say hello');
  await api.fact(id, 'turn.ended');
  const { conversationId } = await api.fact(id, 'agent.conversation');
  await api.command(id, { id: 'long', type: 'message.send', text: 'slow 400' });
  await api.fact(id, 'turn.started', (data) => data.messageId === 'long');
  const pids = await eventually('the process', () => {
    const found = processesOf('claude', `:${id}.1`);
    return found.length > 0 && found;
  });
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  const interrupted = await api.fact(id, 'turn.interrupted');
  expect(interrupted.reason).toBe('agent_died');
  expect((await api.session(id)).status).toBe('interrupted');
  await api.command(id, { id: 'go-on', type: 'turn.resume' });
  const { turnId } = await api.fact(id, 'turn.started', (data) => data.messageId === 'go-on');
  await api.fact(id, 'turn.ended', (data) => data.turnId === turnId && data.outcome === 'completed');
  const log = await api.log(id);
  expectSoundLog(log);
  const conversations = log.flatMap((fact) => (fact.type === 'agent.conversation' ? [fact.data.conversationId] : []));
  expect(new Set(conversations)).toEqual(new Set([conversationId]));
  expect(log.filter((fact) => fact.type === 'session.started').map((fact) => fact.data.generation)).toEqual([1, 2]);
});

it('TURN1, TURN7: messages queue while it works; stop ends the turn and the next one runs', async () => {
  const id = await claude('slow 400');
  await api.fact(id, 'turn.started');
  await api.command(id, { id: 'second', type: 'message.send', text: 'say second' });
  await api.command(id, { id: 'stop', type: 'turn.stop' });
  await api.fact(id, 'turn.ended', (data) => data.outcome === 'stopped');
  await api.fact(id, 'turn.ended', (data) => data.outcome === 'completed');
  expectSoundLog(await api.log(id));
});

it('APPR3: denied with a message, the agent is told and goes on', async () => {
  const id = await claude('run touch never-made');
  const { approvalId } = await api.fact(id, 'approval.requested');
  await api.answer(approvalId, { decision: 'deny', message: 'not today' });
  await api.fact(id, 'turn.ended', (data) => data.outcome === 'completed');
  const log = await api.log(id);
  expectSoundLog(log);
  const answer = log.findLast((fact) => fact.type === 'message.assistant');
  expect(answer?.data.text).toContain('not today');
});

it('APPR2, APPR4, APPR14: a question and a plan wait through a kill -9 of the server, each is answered once, and a second answer is told who was first', async () => {
  const [asking, planning] = await Promise.all([claude('ask'), claude('plan 1. look 2. do it')]);
  const { approvalId, questions } = await api.fact(asking, 'question.requested');
  expect(questions?.[0]?.options.map((option) => option.label)).toEqual(['Red', 'Blue']);
  const plan = await api.fact(planning, 'approval.requested');
  expect(plan).toMatchObject({ kind: 'plan', input: { plan: '1. look 2. do it' } });
  await holdfast.kill();
  await holdfast.start();
  const blue = { decision: 'allow', answers: { 'Which colour?': 'Blue' } };
  const answers = [
    { id: approvalId, given: blue, other: { ...blue, answers: { 'Which colour?': 'Red' } } },
    {
      id: plan.approvalId,
      given: { decision: 'deny', message: 'look twice first' },
      other: { decision: 'allow' },
    },
  ];
  for (const { id, given, other } of answers) {
    await api.answer(id, given);
    // The same again is the same; another is too late, however soon it comes.
    await api.answer(id, given);
    await expect(api.answer(id, { ...other, id: 'another-device' })).rejects.toThrow(
      /409 .*"already_answered".*"answeredBy"/,
    );
  }
  for (const [id, told] of [
    [asking, 'Blue'],
    [planning, 'look twice first'],
  ] as const) {
    await api.fact(id, 'turn.ended', (data) => data.outcome === 'completed');
    const log = await api.log(id);
    expectSoundLog(log);
    expect(log.filter(({ type }) => type === 'approval.requested' || type === 'question.requested')).toHaveLength(1);
    expect(log.findLast((fact) => fact.type === 'message.assistant')?.data.text).toContain(told);
  }
});

it('TURN17, TURN18, TURN5: what it begins by itself when a command in the background ends goes on over a kill -9, is stopped, and a message meanwhile follows', async () => {
  const go = join(holdfast.directory, 'go');
  const prompt = `behind until [ -e ${go} ]; do sleep 0.05; done`;
  const id = await api.create({ kind: 'agent', workspaceId, agent: { provider: 'claude', mode: 'auto', prompt } });
  await api.fact(id, 'turn.ended');
  writeFileSync(go, '');
  const { turnId, cause } = await api.fact(id, 'turn.started', (data) => data.cause !== undefined);
  expect(cause?.title).toContain('the build');
  await api.command(id, { id: 'meanwhile', type: 'message.send', text: 'say meanwhile' });
  await holdfast.kill();
  await holdfast.start();
  expect((await api.session(id)).agent).toMatchObject({ turn: { turnId, phase: 'running', cause }, queueLength: 1 });
  await api.command(id, { id: 'enough', type: 'turn.stop', turnId });
  await api.fact(id, 'turn.ended', (data) => data.turnId === turnId && data.outcome === 'stopped');
  const next = await api.fact(id, 'turn.started', (data) => data.messageId === 'meanwhile');
  await api.fact(id, 'turn.ended', (data) => data.turnId === next.turnId && data.outcome === 'completed');
  const log = await api.log(id);
  expectSoundLog(log);
  expect(log.findLast((fact) => fact.type === 'message.assistant')?.data.text).toContain('meanwhile');
});

it('TURN9: an agent that cannot run says what to do', async () => {
  const bare = await install({ model: false });
  try {
    await bare.start();
    const other = await Api.open(bare);
    const id = await other.create({
      kind: 'agent',
      workspaceId: await other.workspace('w'),
      agent: { provider: 'claude', prompt: 'hello' },
    });
    const ended = await other.fact(id, 'turn.ended');
    expect(ended).toMatchObject({ outcome: 'failed', error: { kind: 'agent_unavailable' } });
    expect(ended.error?.message).toMatch(/ANTHROPIC_API_KEY/);
  } finally {
    await bare.dispose();
  }
});

it('TURN5: the demo agent: a diff to approve, a kill -9 in between, and the file is there', async () => {
  const id = await demo('write notes.txt hello from the demo');
  const { approvalId } = await api.fact(id, 'approval.requested');
  await holdfast.kill();
  await holdfast.start();
  await api.answer(approvalId, { decision: 'allow' });
  await api.fact(id, 'turn.ended', (data) => data.outcome === 'completed');
  expectSoundLog(await api.log(id));
  expect(readFileSync(join(holdfast.workspaces, 'agents/notes.txt'), 'utf8')).toContain('hello from the demo');
});

it('TURN5: the demo agent streams on while the server is away, and nothing it said is missing or double', async () => {
  const id = await demo('stream 80');
  await api.fact(id, 'turn.started');
  await holdfast.kill();
  await holdfast.start();
  await api.fact(id, 'turn.ended', (data) => data.outcome === 'completed');
  const log = await api.log(id);
  expectSoundLog(log);
  const words = log.flatMap((fact) =>
    fact.type === 'message.assistant' ? fact.data.text.split(/\s+/).filter(Boolean) : [],
  );
  expect(words.length).toBeGreaterThanOrEqual(80);
});

it('HOLD6: the holder killed: shells are ended, turns interrupted, by facts; then everything works again', async () => {
  const terminal = await api.create({ kind: 'terminal', workspaceId });
  await api.fact(terminal, 'session.started');
  await api.command(terminal, { id: 'w', type: 'terminal.write', data: 'sleep 4711 &\r' });
  await eventually('the job', () => processesOf('sleep\u00004711', `:${terminal}.1`).length > 0);
  const turn = await demo('stream 500');
  await api.fact(turn, 'turn.started');
  const [holder] = processesOf('holder/src/main.ts', holdfast.directory).concat(
    processesOf(`main.ts\u0000${holdfast.dataDirectory}`, ''),
  );
  process.kill(holder ?? 0, 'SIGKILL');
  expect((await api.fact(terminal, 'session.ended')).reason).toBe('lost');
  await api.fact(turn, 'turn.interrupted');
  await eventually('no orphan', () => processesOf('sleep\u00004711', `:${terminal}.1`).length === 0);
  const next = await api.create({ kind: 'terminal', workspaceId });
  await api.fact(next, 'session.started');
  for (const id of [terminal, turn]) expectSoundLog(await api.log(id));
});

it('TERM2: deleting a running session ends what it runs', async () => {
  const id = await api.create({ kind: 'terminal', workspaceId });
  await api.fact(id, 'session.started');
  const running = () => processesOf('bash', `:${id}.1`).length;
  await eventually('the shell', () => running() > 0);
  await api.remove(id);
  await eventually('gone', () => running() === 0);
  await expect(api.session(id)).rejects.toThrow('404');
  const agent = await demo('stream 500');
  await api.fact(agent, 'turn.started');
  await api.remove(agent);
  await eventually('gone', () => processesOf('demo', `:${agent}.1`).length === 0);
});
