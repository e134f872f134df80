/** The driver with an agent that says what no well-behaved agent would, and at the worst moment. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { pngImage } from '@holdfast/testkit/png.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { type AcpAgentOptions, createAcpDriver } from '../../../src/agents/acp/driver.ts';
import { approvalIdOf } from '../../../src/agents/acp/permission.ts';
import type { AgentMeta, AttachedAgent } from '../../../src/agents/driver.ts';
import type { AttachedFile } from '../../../src/uploads/uploads.ts';
import { type Outcome, type ToolTier, modeTable, modes, toolTiers } from '../mode-table.ts';
import { FakeRunner, withoutLooks } from './fake-runner.ts';
import { ScriptedAgent, metaOf, settled } from './scripted-agent.ts';

const driverOf = (options: Partial<AcpAgentOptions> = {}) =>
  createAcpDriver({
    provider: 'scripted',
    name: 'Scripted',
    description: 'a test',
    command: { file: '/bin/false', args: [], env: {} },
    ...options,
  });

interface Stage {
  readonly scripted: ScriptedAgent;
  readonly runner: FakeRunner;
  readonly agent: AttachedAgent;
}

async function onStage(
  change: Partial<AgentMeta> = {},
  options: Partial<AcpAgentOptions> = {},
  prepare: (scripted: ScriptedAgent) => void = () => undefined,
): Promise<Stage> {
  const meta = metaOf(change);
  const scripted = new ScriptedAgent(meta);
  prepare(scripted);
  const runner = new FakeRunner(scripted.holder, scripted.id, meta);
  const agent = driverOf(options).attach(scripted.holder.process(scripted.id), 0, runner.context());
  await settled();
  return { scripted, runner, agent };
}

async function inTurn(change: Partial<AgentMeta> = {}, options: Partial<AcpAgentOptions> = {}): Promise<Stage> {
  const stage = await onStage(change, options);
  await stage.agent.startTurn({ turnId: 't1', messageId: 'm1', text: 'go', files: [] });
  return stage;
}

function again({ scripted, runner, agent }: Stage): Stage {
  agent.detach();
  return {
    scripted,
    runner,
    agent: driverOf().attach(scripted.holder.process(scripted.id), runner.stored, runner.context()),
  };
}

describe('an agent that misbehaves', () => {
  it('WIRE1: malformed lines, unknown messages and unknown updates harm nobody', async () => {
    const { scripted, runner } = await inTurn();
    scripted.raw('\n\nhello\n{"jsonrpc":"2.0"\n[]\nnull\n42\n{"jsonrpc":"1.0","id":1}\n"x"\n\u0000\u0001\n');
    scripted.raw(`${'['.repeat(100_000)}\n`);
    scripted.update({ sessionUpdate: 'nobody_knows', a: 1 });
    scripted.update({ sessionUpdate: 'tool_call', toolCallId: 7 });
    scripted.update({ sessionUpdate: 'agent_message_chunk' });
    scripted.send({ method: 'session/update', params: 'x' });
    scripted.send({ method: '_custom/thing' });
    scripted.send({ id: 'unknown', result: {} });
    scripted.send({ id: 1, method: 'session/request_permission', params: { options: 1 } });
    scripted.send({ id: 2, method: 'fs/read_text_file', params: { path: '/etc/passwd' } });
    scripted.say('still here');
    scripted.endTurn('t1');
    await settled();
    expect(runner.text('t1')).toBe('still here');
    expect(runner.last('turn.ended')?.outcome).toBe('completed');
    expect(scripted.repliesTo(1)[0]?.error?.code).toBe(-32602);
    expect(scripted.repliesTo(2)[0]?.error?.code).toBe(-32601);
  });

  it('WIRE6: a line of 2 MB is taken, in blocks and output of bounded size', async () => {
    const { scripted, runner } = await inTurn();
    const huge = '\u{1F600}'.repeat(500_000);
    scripted.say('before ');
    scripted.say(huge);
    scripted.update({
      sessionUpdate: 'tool_call',
      toolCallId: 'big',
      title: huge,
      status: 'completed',
      rawInput: { text: huge },
      content: [
        { type: 'content', content: { type: 'text', text: huge } },
        { type: 'diff', path: '/a', oldText: '', newText: huge },
      ],
    });
    scripted.endTurn('t1');
    await settled();
    expect(runner.text('t1')).toBe(`before ${huge}`);
    expect(Math.max(...runner.all('message.assistant').map(({ text }) => text.length))).toBeLessThanOrEqual(256 * 1024);
    const finished = runner.last('tool.finished');
    expect(finished?.output.cut).toBe(true);
    expect(Buffer.byteLength(finished?.output.text ?? '')).toBeLessThanOrEqual(64 * 1024);
    expect(JSON.stringify(runner.last('tool.started')?.input).length).toBeLessThan(70 * 1024);
    expect(runner.last('turn.ended')?.outcome).toBe('completed');
  });

  it('TURN2: an error in answer to the prompt ends the turn with its reason', async () => {
    const { scripted, runner } = await inTurn();
    scripted.send({ id: 'prompt:t1', error: { code: -32603, message: 'out of credit' } });
    scripted.send({ id: 'prompt:t1', result: { stopReason: 'end_turn' } });
    await settled();
    expect(runner.all('turn.ended')).toEqual([
      { turnId: 't1', outcome: 'failed', error: { kind: 'unavailable', message: 'out of credit' } },
    ]);
  });

  it.each([
    ['max_tokens', 'completed'],
    ['refusal', 'failed'],
    ['cancelled', 'stopped'],
    ['something_new', 'completed'],
  ])('TURN2: the stop reason %s ends the turn as %s', async (stopReason, outcome) => {
    const { scripted, runner } = await inTurn();
    scripted.endTurn('t1', { stopReason });
    await settled();
    expect(runner.last('turn.ended')?.outcome).toBe(outcome);
  });

  it('TURN7: an agent that does not listen to stop is ended, and the turn with it', async () => {
    const { scripted, runner, agent } = await inTurn({}, { patience: { stopMs: 1, politeMs: 1 } });
    scripted.askLeave(5, { toolCallId: 'x', title: 'x' });
    await settled();
    await agent.stopTurn('t1');
    expect(scripted.repliesTo(5)[0]?.result).toEqual({ outcome: { outcome: 'cancelled' } });
    expect(scripted.written().filter(({ method }) => method === 'session/cancel')).toHaveLength(1);
    await eventually('the end', () => runner.exit);
    expect(runner.last('turn.ended')).toEqual({ turnId: 't1', outcome: 'stopped' });
    expect(runner.exit).toEqual({ exitCode: null, signal: 'SIGKILL' });
  });
});

describe('approvals over ACP', () => {
  it('APPR1: one tool call asked about twice gives two approvals, with ids that follow from it', async () => {
    const { scripted, runner, agent } = await inTurn();
    const toolCall = { toolCallId: 'call/1', title: 'x', kind: 'edit' };
    scripted.askLeave(1, toolCall);
    await settled();
    const first = runner.last('approval.requested');
    expect(first?.approvalId).toMatch(/^a_call_1_[0-9a-f]{12}$/);
    await agent.answer(first?.approvalId ?? '', 'call/1', { decision: 'allow' });
    scripted.askLeave(2, toolCall);
    await settled();
    expect(runner.last('approval.requested')?.approvalId).toBe(`${first?.approvalId}_2`);
    expect(scripted.repliesTo(1)).toHaveLength(1);
    expect(scripted.repliesTo(2)).toHaveLength(0);
  });

  it('APPR3: an answer that the agent cannot take as given never becomes more than was answered', async () => {
    const { scripted, runner, agent } = await inTurn();
    scripted.askLeave(1, { toolCallId: 'c1', title: 'rm -r x', kind: 'execute' });
    await settled();
    await agent.answer(approvalIdOf('t1', 'c1', 1), 'c1', { decision: 'allow', updatedInput: { command: 'true' } });
    expect(scripted.repliesTo(1)[0]?.result).toEqual({ outcome: { outcome: 'selected', optionId: 'reject_once' } });
    scripted.update({ sessionUpdate: 'tool_call_update', toolCallId: 'c1', status: 'failed' });
    await settled();
    expect(runner.last('tool.finished')?.outcome).toBe('denied');
    expect(runner.last('turn.notice')?.text).toContain('cannot take a changed input');
  });

  it('APPR3: allowed for the session is held by us when the agent does not', async () => {
    const { scripted, runner, agent } = await inTurn();
    scripted.askLeave(1, { toolCallId: 'c1', title: 'a', kind: 'execute' });
    await settled();
    await agent.answer(approvalIdOf('t1', 'c1', 1), 'c1', { decision: 'allow', scope: 'session' });
    expect(runner.meta.allowedTools).toEqual(['execute(a)']);
    scripted.askLeave(2, { toolCallId: 'c2', title: 'a', kind: 'execute' });
    scripted.askLeave(3, { toolCallId: 'c3', title: 'c', kind: 'edit' });
    await settled();
    expect(runner.all('approval.requested').map(({ toolCallId }) => toolCallId)).toEqual(['c1', 'c3']);
    expect(scripted.repliesTo(2)[0]?.result).toEqual({ outcome: { outcome: 'selected', optionId: 'allow_once' } });
  });

  it('APPR4: a request that the agent takes back expires', async () => {
    const { scripted, runner, agent } = await inTurn();
    scripted.askLeave(1, { toolCallId: 'c1', title: 'a', kind: 'execute' });
    scripted.send({ method: '$/cancel_request', params: { requestId: 1 } });
    await settled();
    expect(runner.all('approval.expired')).toEqual([{ approvalId: approvalIdOf('t1', 'c1', 1), reason: 'withdrawn' }]);
    expect((await agent.answer(approvalIdOf('t1', 'c1', 1), 'c1', { decision: 'allow' })).ok).toBe(true);
    expect(scripted.repliesTo(1)).toHaveLength(1);
    expect((await agent.answer('a_unknown', 'x', { decision: 'allow' })).ok).toBe(false);
  });

  it.each(modes)('APPR5: each kind of call in %s mode', async (mode) => {
    const calls: Record<ToolTier, object> = {
      'read in the workspace': { kind: 'read', title: 'a', rawInput: { path: 'a' } },
      'read outside': { kind: 'read', title: '/etc/hostname', rawInput: { path: '/etc/hostname' } },
      'edit in the workspace': { kind: 'edit', title: 'a', rawInput: { path: 'a' } },
      'edit outside': { kind: 'edit', title: '/etc/hostname', rawInput: { path: '/etc/hostname' } },
      'harmless command': { kind: 'execute', title: 'ls', rawInput: { command: 'ls' } },
      'dangerous command': { kind: 'execute', title: 'rm -r .', rawInput: { command: 'rm -r .' } },
      'command the settings allow': { kind: 'execute', title: 'touch a', rawInput: { command: 'touch a' } },
      'web fetch': { kind: 'fetch', title: 'http://127.0.0.1:9/', rawInput: { url: 'http://127.0.0.1:9/' } },
      'MCP tool': { kind: 'other', name: 'mcp__test__change', title: 'change', rawInput: {} },
      'sub-agent': { kind: 'think', title: 'a task', rawInput: { prompt: 'x' } },
      'command of a sub-agent': { kind: 'execute', title: 'make', rawInput: { command: 'make' } },
    };
    const { scripted, runner } = await inTurn({ agent: { provider: 'scripted', mode } });
    const found: Partial<Record<ToolTier, Outcome>> = {};
    for (const [index, tier] of toolTiers.entries()) {
      const asked = runner.all('approval.requested').length;
      scripted.askLeave(index, { toolCallId: `c${index}`, ...calls[tier] });
      await settled();
      const chosen = scripted.repliesTo(index)[0]?.result?.['outcome'];
      if (runner.all('approval.requested').length > asked) found[tier] = 'asks';
      else
        found[tier] = isDeepStrictEqual(chosen, { outcome: 'selected', optionId: 'allow_once' }) ? 'runs' : 'refused';
    }
    expect(found).toEqual(Object.fromEntries(toolTiers.map((tier) => [tier, modeTable[tier].acp[mode]])));
  });

  it('APPR5: a command allowed for the session is that command, held by us, and not in Ask mode', async () => {
    const { scripted, runner, agent } = await inTurn();
    const run = (id: number, command: string) =>
      scripted.askLeave(id, { toolCallId: `c${id}`, title: command, kind: 'execute', rawInput: { command } }, [
        'allow_always',
        'allow_once',
        'reject_once',
      ]);
    const reply = (id: number) => scripted.repliesTo(id)[0]?.result?.['outcome'];
    run(1, 'make');
    await settled();
    await agent.answer(approvalIdOf('t1', 'c1', 1), 'c1', { decision: 'allow', scope: 'session' });
    // The agent must not remember it: it could not be made to forget.
    expect(reply(1)).toEqual({ outcome: 'selected', optionId: 'allow_once' });
    run(2, 'make');
    run(3, 'make install');
    await settled();
    expect(reply(2)).toEqual({ outcome: 'selected', optionId: 'allow_once' });
    expect(runner.all('approval.requested').map(({ toolCallId }) => toolCallId)).toEqual(['c1', 'c3']);
    expect((await agent.setMode('ask')).ok).toBe(true);
    run(4, 'make');
    await settled();
    expect(reply(4)).toEqual({ outcome: 'selected', optionId: 'reject_once' });
    expect((await agent.setMode('agent')).ok).toBe(true);
    await agent.answer(approvalIdOf('t1', 'c3', 1), 'c3', {
      decision: 'allow',
      scope: 'session',
      updatedInput: { command: 'make check' },
    });
    run(5, 'make install');
    await settled();
    expect(runner.last('approval.requested')?.toolCallId).toBe('c5');
  });

  it('APPR5: what the mode decided stays decided when it is read again in another mode', async () => {
    const stage = await inTurn({ agent: { provider: 'scripted', mode: 'ask' } });
    stage.runner.storing = false;
    stage.scripted.askLeave(1, { toolCallId: 'c1', title: 'a', kind: 'execute' });
    await settled();
    await stage.agent.setMode('agent');
    const { runner, scripted } = again(stage);
    await settled();
    expect(runner.all('approval.requested')).toEqual([]);
    expect(scripted.repliesTo(1)).toHaveLength(1);
  });
});

describe('a driver that reads an earlier turn again', () => {
  it('TURN5: does not take its text for the open turn’s', async () => {
    const stage = await inTurn();
    stage.runner.storing = false;
    stage.scripted.say('of the first turn');
    stage.scripted.endTurn('t1');
    await settled();
    // All stored, and not yet released.
    const { stored } = stage.runner;
    await stage.agent.startTurn({ turnId: 't2', messageId: 'm2', text: 'go on', files: [] });
    stage.scripted.say('of the second');
    await settled();
    stage.runner.stored = stored;
    const { scripted, runner, agent } = again(stage);
    await settled();
    expect(agent.previews()).toMatchObject([{ turnId: 't2', text: 'of the second' }]);
    scripted.endTurn('t2');
    await settled();
    expect(runner.faults).toEqual([]);
    expect(runner.text('t1')).toBe('of the first turn');
    expect(runner.text('t2')).toBe('of the second');
  });
});

describe('opening a session', () => {
  it('TURN5: a driver that comes in the middle of the handshake finishes it, once', async () => {
    const { scripted, runner, agent } = await onStage({}, {}, (script) => {
      script.answers['session/new'] = () => null;
    });
    agent.detach();
    const second = driverOf().attach(scripted.holder.process(scripted.id), runner.stored, runner.context());
    scripted.send({ id: 'session', result: { sessionId: 'conversation' } });
    expect((await second.startTurn({ turnId: 't1', messageId: 'm1', text: 'go', files: [] })).ok).toBe(true);
    expect(scripted.written().map(({ method }) => method)).toEqual(['initialize', 'session/new', 'session/prompt']);
    expect(runner.all('agent.conversation')).toEqual([{ conversationId: 'conversation' }]);
  });

  it('TURN6: a conversation is resumed where the agent can, loaded where it can only that, and its replay is not told', async () => {
    const { scripted, runner } = await onStage({ conversationId: 'conversation' }, {}, (script) => {
      script.answers['initialize'] = () => ({
        result: { protocolVersion: 1, agentCapabilities: { loadSession: true } },
      });
      script.answers['session/load'] = () => {
        script.say('said long ago');
        return { result: {} };
      };
    });
    expect(scripted.written().map(({ method }) => method)).toEqual(['initialize', 'session/load']);
    expect(runner.log()).toEqual([{ type: 'agent.conversation', data: { conversationId: 'conversation' } }]);
  });

  it('TURN6: an agent that has forgotten the conversation begins a new one and says so', async () => {
    const { scripted, runner, agent } = await onStage({ conversationId: 'old' }, {}, (script) => {
      script.answers['initialize'] = () => ({ result: { agentCapabilities: { sessionCapabilities: { resume: {} } } } });
      script.answers['session/resume'] = () => ({ error: { code: -32002, message: 'not found' } });
    });
    await agent.startTurn({ turnId: 't1', messageId: 'm1', text: 'go', files: [] });
    scripted.endTurn('t1');
    await settled();
    expect(runner.all('agent.conversation')).toEqual([{ conversationId: 'conversation' }]);
    expect(runner.last('turn.notice')?.text).toContain('could not go on with the earlier conversation');
  });

  it('TURN9: an agent that needs a login says so', async () => {
    const { agent } = await onStage({}, {}, (script) => {
      script.answers['session/new'] = () => ({ error: { code: -32000, message: 'Authentication required' } });
    });
    const result = await agent.startTurn({ turnId: 't1', messageId: 'm1', text: 'go', files: [] });
    expect(result).toMatchObject({ ok: false, error: { kind: 'agent_unavailable' } });
    expect(result.ok ? '' : result.error.message).toContain('log in');
  });

  it('TURN9: a command that is not there, and one that ends at once, say what to do and leave nothing behind', async () => {
    const { scripted, runner } = await onStage();
    const absent = driverOf({ command: { file: '/nowhere/agent', args: [], env: {} }, remedy: ['Run: install-it'] });
    expect(await absent.info()).toMatchObject({ available: false, remedy: ['Run: install-it'] });
    const context = { ...runner.context(), holder: scripted.holder };
    const unstarted = await absent.start('s2.1', context);
    expect(unstarted.ok ? '' : unstarted.error.message).toContain('Run: install-it');
    const args = ['-c', 'echo no key found >&2; exit 3'];
    const mute = driverOf({ command: { file: '/bin/sh', args, env: {} }, patience: { politeMs: 500 } });
    const ended = await mute.start('s3.1', context);
    expect(ended).toMatchObject({ ok: false, error: { kind: 'agent_unavailable' } });
    expect(ended.ok ? '' : ended.error.message).toContain('no key found');
    expect(scripted.holder.has('s3.1')).toBe(false);
  });

  it('APPR5: the agent’s own mode goes with ours', async () => {
    const quirks = { modes: { ask: 'plan', auto: 'yolo' } };
    const { scripted, agent } = await onStage({ agent: { provider: 'scripted', mode: 'ask' } }, { quirks });
    expect((await agent.setMode('auto')).ok).toBe(true);
    expect((await agent.setMode('agent')).ok).toBe(true);
    const set = scripted.written().filter(({ method }) => method === 'session/set_mode');
    expect(set.map(({ params }) => params?.['modeId'])).toEqual(['plan', 'yolo']);
    expect((await agent.setModel('x')).ok).toBe(false);
  });
});

type Act =
  | { readonly type: 'say'; readonly text: string; readonly thought: boolean; readonly message: string | undefined }
  | { readonly type: 'tool'; readonly tool: number; readonly update: object }
  | { readonly type: 'leave'; readonly tool: number; readonly allow: boolean }
  | { readonly type: 'other'; readonly update: object };

const actArbitrary: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('say' as const),
      text: fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
      thought: fc.boolean(),
      message: fc.constantFrom(undefined, 'm1', 'm2'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('tool' as const),
      tool: fc.integer({ min: 0, max: 3 }),
      update: fc.record(
        {
          sessionUpdate: fc.constantFrom('tool_call', 'tool_call_update'),
          status: fc.constantFrom('pending', 'in_progress', 'completed', 'failed'),
          title: fc.string({ maxLength: 8 }),
          rawInput: fc.record({ command: fc.string({ maxLength: 5 }) }),
          content: fc.array(
            fc.oneof(
              fc.record({
                type: fc.constant('diff'),
                path: fc.constant('/a'),
                oldText: fc.string(),
                newText: fc.string(),
              }),
              fc.record({
                type: fc.constant('content'),
                content: fc.record({ type: fc.constant('text'), text: fc.string() }),
              }),
            ),
            { maxLength: 2 },
          ),
        },
        { requiredKeys: ['sessionUpdate'] },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('leave' as const),
      tool: fc.integer({ min: 0, max: 3 }),
      allow: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('other' as const),
      update: fc.constantFrom(
        { sessionUpdate: 'plan', entries: [{ content: 'a', priority: 'low', status: 'pending' }] },
        { sessionUpdate: 'usage_update', used: 10, size: 100, cost: { amount: 0.5, currency: 'USD' } },
        { sessionUpdate: 'notice', severity: 'warning', title: 'careful' },
        { sessionUpdate: 'available_commands_update', availableCommands: [] },
      ),
    }),
  },
);

/** Plays the acts as one turn. crashes: after which acts the driver is replaced, and how much of the told was stored by then (0..1). */
async function play(acts: readonly Act[], crashes: ReadonlyMap<number, number>): Promise<FakeRunner> {
  let stage = await onStage();
  const { scripted, runner } = stage;
  runner.storing = false;
  const crash = async (share: number): Promise<void> => {
    const positions = [...runner.told.keys()].filter((position) => position > runner.stored).sort((a, b) => a - b);
    const stored = positions[Math.round(share * positions.length) - 1];
    if (stored !== undefined) runner.store(stored);
    stage = again(stage);
    await settled();
  };
  await stage.agent.startTurn({ turnId: 't1', messageId: 'm1', text: 'go', files: [] });
  for (const [index, act] of acts.entries()) {
    if (act.type === 'say') scripted.say(act.text, act.thought ? 'agent_thought_chunk' : undefined, act.message);
    if (act.type === 'tool') scripted.update({ toolCallId: `c${act.tool}`, ...act.update });
    if (act.type === 'other') scripted.update(act.update);
    if (act.type === 'leave') scripted.askLeave(index, { toolCallId: `c${act.tool}`, kind: 'edit' });
    await settled();
    const share = crashes.get(index);
    if (share !== undefined) await crash(share);
    if (act.type === 'leave') {
      const approval = runner.last('approval.requested');
      const decision = act.allow ? 'allow' : 'deny';
      await stage.agent.answer(approval?.approvalId ?? '', approval?.toolCallId ?? '', { decision });
      if (share !== undefined) await crash(share);
    }
  }
  scripted.endTurn('t1');
  await settled();
  await crash(0.5);
  for (const message of acts.keys()) expect(scripted.repliesTo(message).length).toBeLessThanOrEqual(1);
  return runner;
}

describe('a driver that is replaced', () => {
  it('TURN5: at any moment, with any part stored, the log is as if it had never been replaced', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(actArbitrary, { minLength: 1, maxLength: 14 }),
        fc.array(fc.tuple(fc.nat(13), fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 4 }),
        async (acts, crashes) => {
          const whole = await play(acts, new Map());
          const broken = await play(acts, new Map(crashes));
          expect([...whole.faults, ...broken.faults]).toEqual([]);
          expect(broken.log().map(withoutLooks)).toEqual(whole.log().map(withoutLooks));
          expect(whole.all('turn.ended')).toHaveLength(1);
        },
      ),
      { numRuns: 300 },
    );
  }, 60_000);
});

describe('files of a message', () => {
  const directory = temporaryDirectory();
  afterAll(() => directory[Symbol.dispose]());
  const put = (name: string, mediaType: string, bytes: Buffer): AttachedFile => {
    const path = join(directory.path, name);
    writeFileSync(path, bytes);
    return { name, mediaType, size: bytes.length, path };
  };
  const image = put('my photo.png', 'image/png', pngImage(8, 8));
  const note = put('note.txt', 'text/plain', Buffer.from('hi'));
  const link = ({ name, mediaType, size, path }: AttachedFile) => ({
    type: 'resource_link',
    name,
    mimeType: mediaType,
    size,
    uri: pathToFileURL(path).href,
  });
  const takesImages = (scripted: ScriptedAgent): void => {
    const agentCapabilities = { promptCapabilities: { image: true } };
    scripted.answers['initialize'] = () => ({ result: { protocolVersion: 1, agentCapabilities } });
  };
  const prompted = (scripted: ScriptedAgent) =>
    scripted.written().findLast(({ method }) => method === 'session/prompt')?.params?.['prompt'];
  const turn = { turnId: 't1', messageId: 'm1', text: 'look', files: [image, note] };

  it('UPLOAD10: an agent that takes images gets them as such, other files as links', async () => {
    const { scripted, agent } = await onStage({}, {}, takesImages);
    expect((await agent.startTurn(turn)).ok).toBe(true);
    const data = readFileSync(image.path).toString('base64');
    expect(prompted(scripted)).toEqual([
      { type: 'image', mimeType: 'image/png', data, uri: pathToFileURL(image.path).href },
      link(note),
      { type: 'text', text: 'look' },
    ]);
  });

  it('UPLOAD10: one that does not gets links to all of them', async () => {
    const { scripted, agent } = await onStage();
    expect((await agent.startTurn({ ...turn, text: '' })).ok).toBe(true);
    expect(prompted(scripted)).toEqual([link(image), link(note)]);
  });

  it('UPLOAD10, TURN5: a later driver knows what the agent takes', async () => {
    const stage = await onStage({}, {}, takesImages);
    await stage.agent.startTurn({ ...turn, files: [] });
    stage.scripted.endTurn('t1');
    await settled();
    const next = again(stage);
    await settled();
    expect((await next.agent.startTurn({ ...turn, turnId: 't2', messageId: 'm2' })).ok).toBe(true);
    expect(prompted(stage.scripted)).toMatchObject([{ type: 'image' }, { type: 'resource_link' }, { type: 'text' }]);
  });
});
