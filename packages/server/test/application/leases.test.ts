/** A linked runner that does not know of a turn any more: it is found out, and the turn is over. */
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { InventoryItem, ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { memoryChannelPair } from '@holdfast/link/channel.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HoldfastApplication } from '../../src/application/holdfast-application.ts';
import { login, must, openApplication } from './fixtures.ts';

let application: HoldfastApplication;
let close: () => Promise<void>;
/** Clock milliseconds, and what is to happen on it. */
let now = 0;
let timers: { at: number; call: () => void }[] = [];

function pass(ms: number): void {
  now += ms;
  const due = timers.filter(({ at }) => at <= now);
  timers = timers.filter(({ at }) => at > now);
  for (const { call } of due) call();
}

beforeEach(async () => {
  const directory = temporaryDirectory();
  now = 0;
  timers = [];
  const opened = await openApplication(directory.path, {
    now: () => now,
    later: (ms, call) => {
      const timer = { at: now + ms, call };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
    random: () => 0,
  });
  application = opened.application;
  close = async () => {
    application.close();
    await opened.store.close();
    directory[Symbol.dispose]();
  };
});
afterEach(() => close());

function come(inventory: InventoryItem[] = []) {
  const [channel, theirs] = memoryChannelPair<ToServer, ToRunner>();
  const heard: ToRunner[] = [];
  channel.onMessage((message) => {
    heard.push(message);
    if (message.type === 'ask') {
      channel.send({ type: 'answer', requestId: message.requestId, result: { ok: true, value: { path: '/w' } } });
    }
  });
  application.connectRunner(theirs, null);
  channel.send({ type: 'hello', protocolVersion, runnerId: 'local', name: 'here', roots: ['/'], inventory });
  const asked = (): number => heard.filter(({ type }) => type === 'inventory').length;
  const instructions = () => heard.flatMap((one) => (one.type === 'deliver' ? [one] : []));
  return { channel, heard, asked, instructions };
}

async function dispatched(runner: ReturnType<typeof come>) {
  await application.whenReady();
  const workspace = must(await application.createWorkspace(login, { path: '/w' }));
  const body = { kind: 'agent' as const, workspaceId: workspace.id, agent: { provider: 'demo', prompt: 'hello' } };
  const { id } = must(await application.createSession(login, body, null)).session;
  const { deliveryId, instruction } = await eventually('delivered', () => runner.instructions()[0]);
  if (instruction.type !== 'turn.start') throw new Error(instruction.type);
  const { turnId, messageId } = instruction;
  const report = async (source: string, position: number, ...facts: FactDraft[]): Promise<void> => {
    runner.channel.send({ type: 'report', report: { sessionId: id, source, position, facts } });
    await eventually('stored', () =>
      runner.heard.some((one) => one.type === 'stored' && one.source === source && one.position === position),
    );
  };
  const begin = (): Promise<void> =>
    report(
      'deliveries',
      deliveryId,
      { type: 'session.started', data: { generation: 1 } },
      { type: 'turn.started', data: { turnId, messageId, generation: 1 } },
    );
  const turn = async () => must(await application.session(login, id)).agent?.turn ?? null;
  const types = async () => {
    const { events } = must(await application.events(login, id, { after: 0, limit: 100 }));
    return events.map(({ type }) => type);
  };
  return { id, turnId, deliveryId, report, begin, turn, types };
}

it('TURN14: what is known or still to be begun goes on; what its linked runner does not know is interrupted and fenced', async () => {
  const runner = come();
  const { id, turnId, report, begin, turn, types } = await dispatched(runner);
  const say = (inventory: InventoryItem[]) => runner.channel.send({ type: 'inventory', inventory });
  pass(29_999);
  expect(runner.asked()).toBe(0);
  pass(1);
  await eventually('asked', () => runner.asked() === 1);
  // Its start is not done yet, so it may still come.
  say([]);
  await begin();
  expect(await turn()).toMatchObject({ turnId, phase: 'running' });
  pass(30_000);
  await eventually('asked again', () => runner.asked() === 2);
  say([{ sessionId: id, generation: 1, alive: true, turnId }]);
  const call = { toolCallId: 'c', turnId, tool: 'Bash', title: 'make', input: {} };
  await report('out:p', 1, { type: 'tool.started', data: call });
  expect(await turn()).toMatchObject({ turnId, phase: 'running' });
  pass(30_000);
  await eventually('asked once more', () => runner.asked() === 3);
  say([]);
  await eventually('over', async () => (await turn()) === null);
  expect((await types()).slice(-2)).toEqual(['tool.finished', 'turn.interrupted']);
  expect(must(await application.session(login, id)).status).toBe('interrupted');
  // Fenced.
  await report('out:p', 2, { type: 'tool.started', data: { ...call, toolCallId: 'd' } });
  expect((await types()).at(-1)).toBe('turn.interrupted');
  // Nobody waits for anything: nobody is asked.
  pass(60_000);
  await report('out:p', 3);
  expect(runner.asked()).toBe(3);
});

it('TURN14: a turn on a machine that is away stands, and is shown as there; nobody is asked until it is back', async () => {
  const runner = come();
  const { id, turnId, begin, turn } = await dispatched(runner);
  await begin();
  runner.channel.close();
  await eventually('away', async () => !must(await application.session(login, id)).runnerOnline);
  pass(120_000);
  expect(await turn()).toMatchObject({ turnId, phase: 'running' });
  expect(runner.asked()).toBe(0);
  const back = come([{ sessionId: id, generation: 1, alive: true, turnId }]);
  await eventually('back', async () => must(await application.session(login, id)).runnerOnline);
  pass(30_000);
  await eventually('asked', () => back.asked() === 1);
  expect(await turn()).toMatchObject({ turnId, phase: 'running' });
});

it('TURN14: what was interrupted when its runner came back is asked after no more', async () => {
  const runner = come();
  const { id, deliveryId, begin, turn } = await dispatched(runner);
  runner.channel.send({ type: 'done', deliveryId });
  await begin();
  const online = async () => must(await application.session(login, id)).runnerOnline;
  runner.channel.close();
  await eventually('away', async () => !(await online()));
  const back = come();
  await eventually('over', async () => (await turn()) === null);
  await eventually('back', online);
  pass(60_000);
  // What was said before it has been heard before its answer.
  back.channel.send({ type: 'report', report: { sessionId: id, source: 'out:p', position: 1, facts: [] } });
  await eventually('stored', () => back.heard.some(({ type }) => type === 'stored'));
  expect(back.asked()).toBe(0);
});

it('TURN18, LINK22: a message behind a turn the agent began by itself stays to be delivered, also when that one is lost', async () => {
  const runner = come();
  const { id, turnId, report, begin, turn, types } = await dispatched(runner);
  await begin();
  runner.channel.send({ type: 'done', deliveryId: runner.instructions()[0]?.deliveryId ?? 0 });
  await report('out:p', 1, { type: 'turn.ended', data: { turnId, outcome: 'completed' } });
  must(await application.command(login, id, { id: 'm2', type: 'message.send', text: 'more' }));
  const { deliveryId } = await eventually('delivered', () => runner.instructions()[1]);
  const own = { turnId: 'own', messageId: 'own', generation: 1 };
  await report('out:p', 2, { type: 'turn.started', data: { ...own, cause: { kind: 'background' } } });
  runner.channel.send({ type: 'inventory', inventory: [{ sessionId: id, generation: 1, alive: true, turnId: null }] });
  await report('out:p', 3);
  expect(await turn()).toMatchObject({ ...own, phase: 'running' });
  runner.channel.close();
  await eventually('away', async () => !must(await application.session(login, id)).runnerOnline);
  const back = come();
  const again = await eventually('delivered again', () => back.instructions()[0]);
  expect(again).toMatchObject({ deliveryId, instruction: { type: 'turn.start', messageId: 'm2' } });
  expect(await turn()).toMatchObject({ messageId: 'm2', phase: 'dispatched' });
  expect((await types()).slice(-2)).toEqual(['turn.started', 'turn.interrupted']);
});

it('APPR12: a question after the turn expires once its process is gone, at the next look', async () => {
  const runner = come();
  const { id, turnId, report, begin } = await dispatched(runner);
  await begin();
  const call = { toolCallId: 'c', tool: 'Bash', title: 'make', input: {} };
  await report('out:p', 1, { type: 'turn.ended', data: { turnId, outcome: 'completed' } });
  await report('out:p', 2, {
    type: 'approval.requested',
    data: { ...call, approvalId: 'a1', turnId, kind: 'permission', scopes: ['once'] },
  });
  const pending = async () => must(await application.approvals(login, 'pending')).length;
  expect(await pending()).toBe(1);
  pass(30_000);
  await eventually('asked', () => runner.asked() === 1);
  runner.channel.send({ type: 'inventory', inventory: [{ sessionId: id, generation: 1, alive: true, turnId: null }] });
  pass(30_000);
  await eventually('asked again', () => runner.asked() === 2);
  expect(await pending()).toBe(1);
  runner.channel.send({ type: 'inventory', inventory: [] });
  await eventually('expired', async () => (await pending()) === 0);
});
