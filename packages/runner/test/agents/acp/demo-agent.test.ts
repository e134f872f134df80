/** The driver with the real demo agent process. */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { pngImage } from '@holdfast/testkit/png.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import type { AgentMode } from '@holdfast/protocol/session.ts';
import { ensureHolder } from '@holdfast/holder/launch.ts';
import type { ConnectedHolder, HeldProcess, HolderResult } from '@holdfast/holder/process.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { approvalIdOf } from '../../../src/agents/acp/permission.ts';
import type { AgentMeta, AttachedAgent } from '../../../src/agents/driver.ts';
import { createDemoDriver } from '../../../src/agents/demo/driver.ts';
import { FakeRunner } from './fake-runner.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let home: ReturnType<typeof temporaryDirectory>;
let holder: ConnectedHolder;
let tests = 0;

beforeAll(async () => {
  home = temporaryDirectory();
  holder = value(await ensureHolder({ dataDir: join(home.path, 'data') }));
});

afterAll(async () => {
  value(await holder.shutdown());
  home[Symbol.dispose]();
});

beforeEach(() => {
  directory = temporaryDirectory();
  tests += 1;
});

afterEach(async () => {
  for (const { id, exit } of value(await holder.list())) if (exit === null) await holder.signal(id, 'SIGKILL');
  directory[Symbol.dispose]();
});

function value<T>(result: HolderResult<T>): T {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

const idOf = (generation = 1): string => `s${tests}.${generation}`;

async function held(id = idOf()): Promise<HeldProcess> {
  const process = value(await holder.list()).find((one) => one.id === id);
  if (process === undefined) throw new Error(`no process ${id}`);
  return process;
}

const driver = () =>
  createDemoDriver({
    stateDir: join(directory.path, 'demo-state'),
    environment: { PATH: process.env['PATH'] ?? '' },
  });

const metaOf = (change: Partial<AgentMeta> = {}, mode: AgentMode = 'agent'): AgentMeta => ({
  sessionId: 's1',
  generation: 1,
  cwd: directory.path,
  agent: { provider: 'demo', mode },
  conversationId: null,
  turn: null,
  allowedTools: [],
  ...change,
});

async function started(meta = metaOf(), id = idOf()): Promise<{ agent: AttachedAgent; runner: FakeRunner }> {
  const runner = new FakeRunner(holder, id, meta);
  const result = await driver().start(id, runner.context());
  if (!result.ok) throw new Error(result.error.message);
  return { agent: result.value, runner };
}

async function say(agent: AttachedAgent, turnId: string, text: string): Promise<void> {
  expect(await agent.startTurn({ turnId, messageId: `m-${turnId}`, text, files: [] })).toEqual({
    ok: true,
    value: null,
  });
}

const ended = (runner: FakeRunner, turnId: string) =>
  eventually(`the end of ${turnId}`, () => runner.all('turn.ended').find((fact) => fact.turnId === turnId));

const asked = (runner: FakeRunner, count = 1) =>
  eventually('an approval', () => runner.all('approval.requested').at(count - 1));

/** As a new runner does: the old driver is gone, another reads on from what is stored. */
async function reattached(agent: AttachedAgent, runner: FakeRunner): Promise<AttachedAgent> {
  agent.detach();
  return attachedTo(runner);
}

/** With a connection and notes of its own, as they are in the holder. */
async function attachedTo(runner: FakeRunner): Promise<AttachedAgent> {
  holder.close();
  holder = value(await ensureHolder({ dataDir: join(home.path, 'data') }));
  const process = await held();
  runner.holder = holder;
  runner.meta = process.meta as unknown as AgentMeta;
  return driver().attach(process, runner.stored, runner.context());
}

describe('the demo agent', () => {
  it('TURN9: is always available and says that there is no model', async () => {
    const info = await driver().info();
    expect(info).toMatchObject({ provider: 'demo', available: true, remedy: [] });
    expect(info.description).toContain('no model');
  });

  it('UPLOAD10: says what it received, and does what the words say', async () => {
    const { agent, runner } = await started();
    const put = (name: string, mediaType: string, bytes: Buffer) => {
      writeFileSync(join(directory.path, name), bytes);
      return { name, mediaType, size: bytes.length, path: join(directory.path, name) };
    };
    const photo = put('my photo.png', 'image/png', pngImage(8, 8));
    const files = [photo, put('note.txt', 'text/plain', Buffer.from('hi'))];
    expect((await agent.startTurn({ turnId: 't1', messageId: 'm1', text: 'read note.txt', files })).ok).toBe(true);
    await ended(runner, 't1');
    const said = () =>
      runner
        .all('message.assistant')
        .map(({ text }) => text)
        .join('');
    expect(said()).toContain('I received 2 files');
    expect(said()).toContain(`\`my photo.png\`: an image I was shown (image/png, ${photo.size} bytes)`);
    expect(said()).toContain('`note.txt`: a file I was told the place of (text/plain, 2 bytes)');
    expect(said()).toContain('Here is `note.txt`');
    expect((await agent.startTurn({ turnId: 't2', messageId: 'm2', text: '', files: [photo] })).ok).toBe(true);
    await ended(runner, 't2');
    expect(said()).toMatch(/I received one file:\n- `my photo\.png`[^\n]*\s*$/);
  });

  it('TURN8: text comes as previews of one block, and then as that block', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'stream 30');
    await eventually('a preview', () => runner.shown.size === 1);
    expect(runner.all('message.assistant')).toEqual([]);
    expect(agent.previews()).toHaveLength(1);
    expect(await ended(runner, 't1')).toEqual({ turnId: 't1', outcome: 'completed' });
    const [block] = runner.all('message.assistant');
    expect(block?.text.trim().split(' ')).toHaveLength(30);
    expect(runner.shown.get(block?.blockId ?? '')).toBe(block?.text);
    expect(agent.previews()).toEqual([]);
  });

  it('TURN4: a prompt delivered twice is answered once, and a second message follows', async () => {
    const { agent, runner } = await started();
    await Promise.all([say(agent, 't1', 'help'), say(agent, 't1', 'help')]);
    await ended(runner, 't1');
    await say(agent, 't1', 'help');
    await say(agent, 't2', 'history');
    await ended(runner, 't2');
    expect(runner.all('turn.ended')).toHaveLength(2);
    expect(runner.text('t2')).toContain('I remember 1 message:');
  });

  it('APPR3: a write asks with its change, is allowed, and the answer is applied when the agent goes on', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'write notes/a.txt one two');
    const approval = await asked(runner);
    expect(approval).toMatchObject({ tool: 'write', kind: 'permission', scopes: ['once', 'session'] });
    expect(approval.approvalId).toBe(approvalIdOf(approval.turnId, approval.toolCallId, 1));
    expect(approval.diff?.patch).toContain('+one two');
    expect(approval.editable).toBe(true);
    expect(runner.all('approval.applied')).toEqual([]);
    expect((await agent.answer(approval.approvalId, approval.toolCallId, { decision: 'allow' })).ok).toBe(true);
    await ended(runner, 't1');
    expect(readFileSync(join(directory.path, 'notes/a.txt'), 'utf8')).toBe('one two\n');
    expect(runner.all('approval.applied')).toEqual([{ approvalId: approval.approvalId }]);
    expect(runner.last('tool.finished')).toMatchObject({
      outcome: 'succeeded',
      diff: { patch: expect.any(String) as unknown },
    });
    expect(runner.log().map((fact) => fact.type)).toEqual([
      'agent.conversation',
      'message.assistant',
      'tool.started',
      'approval.requested',
      'approval.applied',
      'tool.finished',
      'message.assistant',
      'turn.ended',
    ]);
  });

  it('APPR3: a denied call is not done, and the agent is told why', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'write a.txt no');
    const approval = await asked(runner);
    await agent.answer(approval.approvalId, approval.toolCallId, { decision: 'deny', message: 'not that file' });
    await ended(runner, 't1');
    expect(existsSync(join(directory.path, 'a.txt'))).toBe(false);
    expect(runner.last('tool.finished')?.outcome).toBe('denied');
    expect(runner.text('t1')).toContain('not that file');
    expect(runner.all('approval.applied')).toHaveLength(1);
  });

  it('APPR3: an allowed call runs with the changed input', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'run echo asked');
    const approval = await asked(runner);
    const updatedInput = { command: 'echo changed' };
    await agent.answer(approval.approvalId, approval.toolCallId, { decision: 'allow', updatedInput });
    await ended(runner, 't1');
    expect(runner.last('tool.finished')?.output.text).toBe('changed\n');
  });

  it('APPR3: allowed for the session is not asked again', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'run echo again');
    const approval = await asked(runner);
    await agent.answer(approval.approvalId, approval.toolCallId, { decision: 'allow', scope: 'session' });
    await ended(runner, 't1');
    await say(agent, 't2', 'run echo again');
    await ended(runner, 't2');
    expect(runner.all('approval.requested')).toHaveLength(1);
    expect(runner.last('tool.finished')).toMatchObject({ outcome: 'succeeded', output: { text: 'again\n' } });
    await say(agent, 't3', 'run echo another');
    await asked(runner, 2);
  });

  it('APPR1: a question is asked with its options and answered', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'ask');
    const question = await eventually('a question', () => runner.last('question.requested'));
    expect(question.questions?.[0]?.options.map(({ label }) => label)).toContain('Streaming');
    const answers = { [question.questions?.[0]?.question ?? '']: 'Streaming' };
    await agent.answer(question.approvalId, question.toolCallId, { decision: 'allow', answers });
    await ended(runner, 't1');
    expect(runner.text('t1')).toContain('You chose “Streaming”');
    expect(runner.all('approval.applied')).toEqual([{ approvalId: question.approvalId }]);
  });

  it('TURN7: stop ends a turn that streams, that waits for an approval, and that runs a command', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'stream 5000');
    await eventually('text', () => runner.shown.size > 0);
    expect((await agent.stopTurn('t1')).ok).toBe(true);
    expect(await ended(runner, 't1')).toEqual({ turnId: 't1', outcome: 'stopped' });
    expect(runner.text('t1')).toContain('bravo-1 ');

    await say(agent, 't2', 'write a.txt x');
    await asked(runner);
    await agent.stopTurn('t2');
    expect(await ended(runner, 't2')).toEqual({ turnId: 't2', outcome: 'stopped' });
    expect(runner.all('approval.applied')).toEqual([]);

    await say(agent, 't3', 'run sleep 100');
    const approval = await asked(runner, 2);
    await agent.answer(approval.approvalId, approval.toolCallId, { decision: 'allow' });
    await eventually('the command runs', () => runner.all('approval.applied').length === 1);
    await agent.stopTurn('t3');
    expect(await ended(runner, 't3')).toEqual({ turnId: 't3', outcome: 'stopped' });
  });

  it('TURN5: a new driver in mid-stream goes on with the same text, once', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'stream 60');
    await eventually('some text', () => [...runner.shown.values()].some((text) => text.length > 60));
    const second = await reattached(agent, runner);
    await eventually('more text', () => (second.previews()[0]?.text.length ?? 0) > 200);
    const third = await reattached(second, runner);
    await ended(runner, 't1');
    const words = runner.text('t1').trim().split(' ');
    expect(words).toHaveLength(60);
    expect(new Set(words).size).toBe(60);
    expect(runner.all('message.assistant')).toHaveLength(1);
    await say(third, 't2', 'history');
    await ended(runner, 't2');
    expect(runner.text('t2')).toContain('stream 60');
  });

  it('TURN5: a new driver finds the open approval under the same id and answers it', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'write a.txt kept');
    const approval = await asked(runner);
    const second = await reattached(agent, runner);
    expect((await second.answer(approval.approvalId, approval.toolCallId, { decision: 'allow' })).ok).toBe(true);
    // Given again by a third one that does not know whether the second got through.
    const third = await reattached(second, runner);
    expect((await third.answer(approval.approvalId, approval.toolCallId, { decision: 'allow' })).ok).toBe(true);
    await ended(runner, 't1');
    expect(readFileSync(join(directory.path, 'a.txt'), 'utf8')).toBe('kept\n');
    expect(runner.all('approval.requested')).toHaveLength(1);
    expect(runner.all('approval.applied')).toEqual([{ approvalId: approval.approvalId }]);
    expect(runner.all('tool.finished')).toMatchObject([
      { outcome: 'succeeded', diff: { patch: expect.any(String) as unknown } },
    ]);
    expect(runner.all('turn.ended')).toHaveLength(1);
  });

  it('APPR1: an approval that was told and not stored is told again under the same id', async () => {
    const { agent, runner } = await started();
    runner.storing = false;
    await say(agent, 't1', 'write a.txt kept');
    const approval = await asked(runner);
    const before = runner.log();
    runner.told.clear();
    const second = await reattached(agent, runner);
    await asked(runner);
    expect(runner.log()).toEqual(before.filter((fact) => fact.type !== 'agent.conversation'));
    await second.answer(approval.approvalId, approval.toolCallId, { decision: 'allow' });
    await ended(runner, 't1');
    expect(runner.all('approval.applied')).toEqual([{ approvalId: approval.approvalId }]);
  });

  it('TURN6: an agent killed in mid-turn has said what it said, and the conversation goes on in a new process', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'stream 500');
    await eventually('text', () => [...runner.shown.values()].some((text) => text.length > 50));
    process.kill((await held()).pid, 'SIGKILL');
    await eventually('the end', () => runner.exit);
    expect(runner.exit).toEqual({ exitCode: null, signal: 'SIGKILL' });
    expect(runner.all('message.assistant')).toMatchObject([{ turnId: 't1', partial: true }]);
    expect(runner.all('turn.ended')).toEqual([]);
    expect((await agent.startTurn({ turnId: 't2', messageId: 'm2', text: 'help', files: [] })).ok).toBe(false);

    const { conversationId } = runner.meta;
    const again = await started(metaOf({ generation: 2, conversationId }), idOf(2));
    await say(again.agent, 't2', 'history');
    await ended(again.runner, 't2');
    expect(again.runner.text('t2')).toContain('`stream 500`, and I was cut off');
    expect(again.runner.all('agent.conversation')).toEqual([{ conversationId }]);
    expect(again.runner.all('message.assistant')).toHaveLength(1);
  });

  it('TURN5: a driver that comes after the end tells the rest and the end', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'stream 500');
    await eventually('text', () => runner.shown.size > 0);
    agent.detach();
    process.kill((await held()).pid, 'SIGKILL');
    await eventually('the exit', async () => (await held()).exit);
    await attachedTo(runner);
    await eventually('the end', () => runner.exit);
    expect(runner.all('message.assistant')).toMatchObject([{ partial: true }]);
    runner.exit = null;
    await attachedTo(runner);
    await eventually('the end again', () => runner.exit);
    expect(runner.all('message.assistant')).toHaveLength(1);
  });

  it('TURN7: stop of the whole agent ends its process and the open turn', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'stream 5000');
    await eventually('text', () => runner.shown.size > 0);
    await agent.stop();
    await eventually('the end', () => runner.exit);
    expect(runner.all('turn.ended')).toEqual([{ turnId: 't1', outcome: 'stopped' }]);
  });

  it('APPR5: ask mode only reads, agent mode asks, auto mode runs alone', async () => {
    writeFileSync(join(directory.path, 'there.txt'), 'here');
    const { agent, runner } = await started(metaOf({}, 'ask'));
    await say(agent, 't1', 'read there.txt');
    await ended(runner, 't1');
    expect(runner.last('tool.finished')).toMatchObject({ outcome: 'succeeded', output: { text: 'here' } });
    await say(agent, 't2', 'write a.txt x');
    await ended(runner, 't2');
    expect(runner.last('tool.finished')?.outcome).toBe('denied');
    expect(runner.last('turn.notice')?.text).toContain('Ask mode');
    expect(runner.all('approval.requested')).toEqual([]);
    expect(existsSync(join(directory.path, 'a.txt'))).toBe(false);

    expect((await agent.setMode('auto')).ok).toBe(true);
    expect(runner.meta.agent.mode).toBe('auto');
    await say(agent, 't3', 'write a.txt x');
    await ended(runner, 't3');
    expect(runner.all('approval.requested')).toEqual([]);
    expect(existsSync(join(directory.path, 'a.txt'))).toBe(true);

    expect((await agent.setMode('agent')).ok).toBe(true);
    await say(agent, 't4', 'run true');
    await asked(runner);
  });

  it('AUTH7: it stays in its folder, links included', async () => {
    using outside = temporaryDirectory();
    writeFileSync(join(outside.path, 'secret.txt'), 'secret');
    symlinkSync(outside.path, join(directory.path, 'link'));
    symlinkSync(join(outside.path, 'new.txt'), join(directory.path, 'dangling'));
    const { agent, runner } = await started(metaOf({}, 'auto'));
    const attempts = [
      'read link/secret.txt',
      `read ${outside.path}/secret.txt`,
      'ls ../..',
      'write link/new.txt x',
      'write dangling x',
    ];
    for (const [index, text] of attempts.entries()) {
      await say(agent, `t${index}`, text);
      await ended(runner, `t${index}`);
      expect(runner.text(`t${index}`), text).toMatch(/outside|a link to something/);
    }
    expect(existsSync(join(outside.path, 'new.txt'))).toBe(false);
  });

  it('TURN8: thinking is a block of its own, and a plan is told', async () => {
    const { agent, runner } = await started();
    await say(agent, 't1', 'think');
    await ended(runner, 't1');
    expect(runner.all('message.assistant').map(({ kind }) => kind)).toEqual(['thinking', 'text']);
    await say(agent, 't2', 'plan');
    await ended(runner, 't2');
    expect(runner.all('turn.notice').at(-1)?.text).toContain('☑ Tell you');
    await say(agent, 't3', 'what is this?');
    await ended(runner, 't3');
    expect(runner.text('t3')).toContain('no model');
  });
});
