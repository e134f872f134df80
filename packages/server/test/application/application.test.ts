import type { Fact } from '@holdfast/protocol/fact.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SubscriberSink } from '../../src/application/application.ts';
import type { HoldfastApplication } from '../../src/application/holdfast-application.ts';
import { ScriptedRunner, login, must, openApplication, stranger } from './fixtures.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let application: HoldfastApplication;
let close: () => Promise<void>;

async function restart(): Promise<void> {
  await close();
  const opened = await openApplication(directory.path);
  application = opened.application;
  close = async () => {
    application.close();
    await opened.store.close();
  };
}

beforeEach(async () => {
  directory = temporaryDirectory();
  close = () => Promise.resolve();
  await restart();
});
afterEach(async () => {
  await close();
  directory[Symbol.dispose]();
});

async function agentSession(): Promise<string> {
  const workspace = must(await application.createWorkspace(login, { path: '/w' }));
  const body = { kind: 'agent' as const, workspaceId: workspace.id, agent: { provider: 'demo' } };
  return must(await application.createSession(login, body, null)).session.id;
}

function collector(): SubscriberSink & { all: Fact[] } {
  const all: Fact[] = [];
  const nothing = (): void => undefined;
  return {
    all,
    facts: (facts) => void all.push(...facts),
    synced: nothing,
    preview: nothing,
    tty: nothing,
    screen: nothing,
    presence: nothing,
    closed: nothing,
    congestion: () => null,
  };
}

it('LINK2: instructions wait for an offline runner, come in order, and again until they are done', async () => {
  const first = new ScriptedRunner(application);
  await application.whenReady();
  const sessionId = await agentSession();
  first.close();
  await eventually('offline', async () => !must(await application.session(login, sessionId)).runnerOnline);
  must(await application.command(login, sessionId, { id: 'm1', type: 'message.send', text: 'one' }));
  must(await application.command(login, sessionId, { id: 'mode', type: 'mode.set', mode: 'ask' }));
  const second = new ScriptedRunner(application);
  await eventually('both', () => second.deliveries.length === 2);
  expect(second.deliveries.map((one) => one.instruction.type)).toEqual(['turn.start', 'mode.set']);
  second.done(second.deliveries[0]?.deliveryId ?? 0);
  await eventually('done is durable', async () => {
    const third = new ScriptedRunner(application);
    await eventually('what is left', () => third.deliveries.length > 0);
    return third.deliveries.length === 1 && third.deliveries[0]?.instruction.type === 'mode.set';
  });
});

it('LINK3: after a server restart a turn nobody works on any more is interrupted before people are served', async () => {
  const runner = new ScriptedRunner(application);
  await application.whenReady();
  const sessionId = await agentSession();
  must(await application.command(login, sessionId, { id: 'm1', type: 'message.send', text: 'one' }));
  const { deliveryId, instruction } = await eventually('delivered', () => runner.deliveries[0]);
  if (instruction.type !== 'turn.start') throw new Error(instruction.type);
  const { turnId } = instruction;
  runner.report(sessionId, 'deliveries', deliveryId, [
    { type: 'session.started', data: { generation: 1 } },
    { type: 'turn.started', data: { turnId, generation: 1, messageId: 'm1' } },
  ]);
  runner.done(deliveryId);
  await eventually(
    'running',
    async () => must(await application.session(login, sessionId)).agent?.turn?.phase === 'running',
  );
  await restart();
  new ScriptedRunner(application);
  await application.whenReady();
  const after = must(await application.session(login, sessionId));
  expect(after).toMatchObject({ status: 'interrupted', agent: { turn: null } });
});

it('LINK3: a runner is told to end what the server does not know', async () => {
  const runner = new ScriptedRunner(application, [{ sessionId: 'unknown', generation: 1, alive: true, turnId: null }]);
  await eventually('abandoned', () => runner.abandoned.includes('unknown'));
});

it('LOG6: a report told twice is stored once and acknowledged twice', async () => {
  const runner = new ScriptedRunner(application);
  await application.whenReady();
  const sessionId = await agentSession();
  const fact = { type: 'agent.conversation' as const, data: { conversationId: 'c' } };
  runner.report(sessionId, 'out:p', 10, [fact]);
  runner.report(sessionId, 'out:p', 10, [fact]);
  runner.report('no-such-session', 'out:p', 10, [fact]);
  await eventually('acknowledged', () => runner.stored.length === 3);
  const page = must(await application.events(login, sessionId, { after: 0, limit: 100 }));
  expect(page.events.filter((one) => one.type === 'agent.conversation')).toHaveLength(1);
});

it('APPR2, APPR3: one answer wins, the second is told who, applied comes from the runner', async () => {
  const runner = new ScriptedRunner(application);
  await application.whenReady();
  const sessionId = await agentSession();
  must(await application.command(login, sessionId, { id: 'm1', type: 'message.send', text: 'one' }));
  const start = await eventually('delivered', () => runner.deliveries[0]);
  const turnId = start.instruction.type === 'turn.start' ? start.instruction.turnId : '';
  runner.report(sessionId, 'deliveries', start.deliveryId, [
    { type: 'turn.started', data: { turnId, generation: 1, messageId: 'm1' } },
  ]);
  runner.report(sessionId, 'out:p', 5, [
    {
      type: 'approval.requested',
      data: {
        approvalId: 'a1',
        turnId,
        toolCallId: 'c1',
        kind: 'permission',
        tool: 'Bash',
        title: 'ls',
        input: {},
        scopes: ['once'],
      },
    },
  ]);
  const [pending] = await eventually('pending', async () => {
    const list = must(await application.approvals(login, 'pending'));
    return list.length > 0 && list;
  });
  expect(pending).toMatchObject({ id: 'a1', sessionId, status: 'pending' });
  const answer = (id: string) =>
    application.command(login, sessionId, {
      id,
      type: 'approval.answer',
      approvalId: 'a1',
      answer: { decision: 'allow' },
    });
  const answers = await Promise.all([answer('x'), answer('y')]);
  expect(answers.filter((one) => one.ok)).toHaveLength(1);
  expect(answers.find((one) => !one.ok)).toMatchObject({
    error: { kind: 'already_answered', details: { answeredBy: { name: 'Ada', device: 'laptop' } } },
  });
  expect(must(await application.approval(login, 'a1')).status).toBe('answered');
  runner.report(sessionId, 'out:p', 9, [{ type: 'approval.applied', data: { approvalId: 'a1' } }]);
  await eventually('applied', async () => must(await application.approval(login, 'a1')).status === 'applied');
  // Long after it is applied the answer is the same.
  expect(await answer('z')).toMatchObject({ ok: false, error: { kind: 'already_answered' } });
});

it('LOG4, LOG5: a repeated command answers the same receipt, another body is refused', async () => {
  new ScriptedRunner(application);
  await application.whenReady();
  const sessionId = await agentSession();
  const send = (text: string) => application.command(login, sessionId, { id: 'm1', type: 'message.send', text });
  const first = must(await send('one'));
  expect(must(await send('one'))).toEqual(first);
  expect(await send('two')).toMatchObject({ ok: false, error: { kind: 'command_id_reused' } });
});

it('AUTH6: a stranger is told that nothing exists, whatever is asked', async () => {
  new ScriptedRunner(application);
  await application.whenReady();
  const sessionId = await agentSession();
  const workspaceId = must(await application.session(login, sessionId)).workspaceId;
  const sink = collector();
  const refusals = [
    await application.workspace(stranger, workspaceId),
    await application.renameWorkspace(stranger, workspaceId, 'x'),
    await application.deleteWorkspace(stranger, workspaceId),
    await application.createSession(stranger, { kind: 'terminal', workspaceId }, null),
    await application.session(stranger, sessionId),
    await application.presence(stranger, sessionId),
    await application.patchSession(stranger, sessionId, { title: 'x' }),
    await application.deleteSession(stranger, sessionId),
    await application.command(stranger, sessionId, { id: 'm', type: 'turn.stop' }),
    await application.events(stranger, sessionId, { after: 0, limit: 10 }),
    await application.screen(stranger, sessionId),
    await application.output(stranger, sessionId, 0),
    await application.subscribe(stranger, { sessionId, after: 0 }, sink),
    await application.input(stranger, sessionId, { inputId: 'i', offset: 0, data: new Uint8Array(1) }),
  ];
  for (const refusal of refusals) expect(refusal).toMatchObject({ ok: false, error: { kind: 'not_found' } });
  expect(must(await application.workspaces(stranger))).toEqual([]);
  expect(must(await application.sessions(stranger, { limit: 10 })).sessions).toEqual([]);
  expect(must(await application.approvals(stranger, undefined))).toEqual([]);
});

it('LOG7: a subscriber sees stored and new facts once, in order', async () => {
  new ScriptedRunner(application);
  await application.whenReady();
  const sessionId = await agentSession();
  const sink = collector();
  const subscription = must(await application.subscribe(login, { sessionId, after: 0 }, sink));
  for (let index = 0; index < 20; index += 1) {
    must(await application.command(login, sessionId, { id: `t${index}`, type: 'session.rename', title: `t${index}` }));
  }
  await eventually('all', () => sink.all.length === 21);
  expect(sink.all.map((fact) => fact.seq)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
  subscription.close();
});
