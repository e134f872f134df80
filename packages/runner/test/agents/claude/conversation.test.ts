/** The driver on the real Claude Code: words, tools, approvals, questions, stop. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { gate } from '@holdfast/testkit/model/gate.ts';
import { keywordScript } from '@holdfast/testkit/model/keyword-script.ts';
import { overloaded, says, text, thinking, unauthorized, uses } from '@holdfast/testkit/model/reply.ts';
import { promptUuid } from '@holdfast/runner/agents/claude/frame.ts';
import { Session } from './session.ts';

describe('what the agent says', () => {
  it('TURN8: a preview grows while the model writes, and the finished block replaces it under the same id', async () => {
    const middle = gate();
    const reply = says(thinking('let me ', 'think'), text('Hello ', { text: 'world.', gate: middle }));
    await using session = await Session.open([reply]);
    await session.start();
    await session.send('hi');
    const open = await eventually('the first half', () => session.agent.previews().find((p) => p.text === 'Hello '));
    await eventually('told, too', () => session.previewOf(open.blockId) === 'Hello ');
    expect(session.of('message.assistant').map((block) => block.kind)).toEqual(['thinking']);
    middle.open();
    expect(await session.fact('turn.ended')).toMatchObject({ turnId: 't1', outcome: 'completed' });
    const [thought, words] = session.of('message.assistant');
    expect(thought).toMatchObject({ kind: 'thinking', text: 'let me think', turnId: 't1' });
    expect(words).toMatchObject({ kind: 'text', text: 'Hello world.', blockId: open.blockId });
    expect('Hello world.'.startsWith(session.previewOf(open.blockId))).toBe(true);
    expect(session.agent.previews()).toEqual([]);
    expect(session.meta.conversationId).toBe(session.of('agent.conversation')[0]?.conversationId);
    expect(session.of('usage')[0]).toMatchObject({ turnId: 't1', inputTokens: 120, outputTokens: 35 });
  });

  it('TURN2: a second message goes to the same process, and every turn ends once', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    const { pid } = await session.held();
    await session.send('say one');
    await session.fact('turn.ended');
    await session.send('say two');
    await session.fact('turn.ended', 2);
    expect((await session.held()).pid).toBe(pid);
    expect(session.of('message.assistant').map((block) => block.text)).toEqual(['one', 'two']);
    expect(session.of('turn.ended').map((end) => end.turnId)).toEqual(['t1', 't2']);
    expect(session.of('agent.conversation')).toHaveLength(1);
  });

  it('TURN4: a prompt whose delivery is repeated, to this driver and the next, reaches the model once', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    const turn = session.nextTurn('say once');
    await Promise.all([session.agent.startTurn(turn), session.agent.startTurn(turn)]);
    await session.reattach();
    await session.agent.startTurn(turn);
    await session.fact('turn.ended');
    await session.agent.startTurn(turn);
    await session.send('say after');
    await session.fact('turn.ended', 2);
    expect(session.model.requests.map((request) => request.conversation.userText)).toEqual(['say once', 'say after']);
    const prompts = session.writes.filter((write) => write.text.includes('say once'));
    expect(prompts.length).toBeGreaterThan(1);
    expect(new Set(prompts.map((write) => write.token))).toEqual(new Set([promptUuid('m1')]));
  });

  it('TURN2: an overloaded provider is a notice, and the turn goes on', async () => {
    await using session = await Session.open((_, index) => (index === 0 ? overloaded : says('There.')));
    await session.start();
    await session.send('hi');
    expect((await session.fact('turn.notice')).text).toContain('529');
    expect((await session.fact('turn.ended')).outcome).toBe('completed');
    expect(session.of('message.assistant').map((block) => block.text)).toEqual(['There.']);
  });

  it('TURN8: words of an answer that broke off are taken back, and the repeated answer is told once', async () => {
    const middle = gate();
    const broken = { ...says(text('Half ', { text: 'of it', gate: middle })), drop: true };
    await using session = await Session.open((_, index) => (index === 0 ? broken : says('All of it.')));
    await session.start();
    await session.send('hi');
    const half = await eventually('the first half', () => session.previews.find((p) => p.text === 'Half '));
    middle.open();
    await session.fact('turn.ended');
    expect(session.of('message.assistant').map((block) => block.text)).toEqual(['All of it.']);
    expect(session.previewOf(half.blockId)).toBe('');
    expect((await session.fact('turn.notice')).text).toContain('Trying again');
  });

  it('TURN2: an error of the provider ends the turn as failed, though the agent calls it a success', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    await session.send('fail');
    expect(await session.fact('turn.ended')).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('as you wished') as string },
    });
    expect(session.of('message.assistant')).toEqual([]);
  });

  it('TURN2: the next turn is answered by the model that was set, and an attached driver keeps it', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    expect(await session.agent.setModel('haiku')).toEqual({ ok: true, value: null });
    expect(session.meta.agent.model).toBe('haiku');
    await session.send('say hi');
    await session.fact('turn.ended');
    expect(session.model.requests[0]?.conversation.model).toContain('haiku');
    await session.reattach();
    await session.send('say more');
    await session.fact('turn.ended', 2);
    expect(session.model.requests[1]?.conversation.model).toContain('haiku');
  });

  it('TURN9: without a login no process is started, and the error says what to do', async () => {
    await using session = await Session.open(keywordScript, { environment: { ANTHROPIC_API_KEY: '' } });
    await expect(session.start()).rejects.toThrow(/set ANTHROPIC_API_KEY/);
    await expect(session.held()).rejects.toThrow('not in the holder');
  });

  it('TURN9: a refused login ends the turn at once with what to do, and the process, whose login cannot change', async () => {
    await using session = await Session.open(() => unauthorized);
    await session.start();
    await session.send('hi');
    const end = await session.fact('turn.ended');
    expect(end).toMatchObject({ outcome: 'failed', error: { kind: 'agent_unavailable' } });
    expect(end.error?.message).toContain('auth login');
    // A turn that comes meanwhile is refused once the process is gone, so that another can be started.
    expect(await session.agent.startTurn(session.nextTurn('again'))).toMatchObject({ ok: false });
    expect(session.ended).not.toBeNull();
    expect(session.of('turn.ended')).toHaveLength(1);
  });
});

describe('tools', () => {
  it('APPR3: an allowed command runs, and the approval is applied before its result', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    await session.send('run echo hi | tee out.txt');
    const approval = await session.fact('approval.requested');
    expect(approval).toMatchObject({
      turnId: 't1',
      kind: 'permission',
      tool: 'Bash',
      title: 'echo hi | tee out.txt',
      scopes: ['once', 'session'],
    });
    expect(session.of('approval.applied')).toEqual([]);
    expect(existsSync(join(session.workspace, 'out.txt'))).toBe(false);
    const answered = await session.agent.answer(approval.approvalId, approval.toolCallId, { decision: 'allow' });
    expect(answered).toEqual({ ok: true, value: null });
    await session.fact('turn.ended');
    expect(session.types.filter((type) => /^(tool|approval|turn)/.test(type))).toEqual([
      'tool.started',
      'approval.requested',
      'approval.applied',
      'tool.finished',
      'turn.ended',
    ]);
    expect(session.of('tool.finished')[0]).toMatchObject({
      toolCallId: approval.toolCallId,
      outcome: 'succeeded',
      output: { text: 'hi', cut: false },
    });
    expect(readFileSync(join(session.workspace, 'out.txt'), 'utf8')).toBe('hi\n');
  });

  it('APPR3: a denied command does not run, and the model reads why', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    await session.send('run touch out.txt');
    const { approvalId, toolCallId } = await session.fact('approval.requested');
    await session.agent.answer(approvalId, toolCallId, { decision: 'deny', message: 'use another name' });
    await session.fact('turn.ended');
    expect(session.of('tool.finished')[0]?.outcome).toBe('denied');
    expect(session.of('approval.applied')).toEqual([{ approvalId }]);
    expect(session.model.requests.at(-1)?.conversation.toolResults[0]?.text).toContain('use another name');
    expect(existsSync(join(session.workspace, 'out.txt'))).toBe(false);
  });

  it('APPR5: what was allowed for the session is not asked again, another command is', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    await session.send('run touch a');
    const first = await session.fact('approval.requested');
    await session.agent.answer(first.approvalId, first.toolCallId, { decision: 'allow', scope: 'session' });
    await session.fact('turn.ended');
    expect(session.meta.allowedTools).toEqual(['Bash(touch a)']);
    await session.send('run touch a');
    await session.fact('turn.ended', 2);
    expect(session.of('approval.requested')).toHaveLength(1);
    await session.send('run touch b');
    expect((await session.fact('approval.requested', 2)).title).toBe('touch b');
  });

  it('APPR5: Ask mode refuses what would change something, Auto mode runs it, and nobody is asked', async () => {
    await using session = await Session.open(keywordScript, { mode: 'ask' });
    await session.start();
    await session.send('write a.txt one');
    await session.fact('turn.ended');
    expect(session.of('tool.finished')[0]?.outcome).toBe('denied');
    await session.agent.setMode('auto');
    await session.send('write a.txt two');
    await session.fact('turn.ended', 2);
    expect(session.of('tool.finished')[1]).toMatchObject({
      outcome: 'succeeded',
      diff: { path: join(session.workspace, 'a.txt'), patch: '@@ -0,0 +1,1 @@\n+two\n' },
    });
    expect(session.of('approval.requested')).toEqual([]);
    expect(session.meta.agent.mode).toBe('auto');
  });

  it('APPR1: a question reaches the person with its options and the model with the answer', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    await session.send('ask');
    const question = await session.fact('question.requested');
    expect(question).toMatchObject({ kind: 'question', title: 'Which colour?', scopes: ['once'] });
    expect(question.questions?.[0]?.options.map((option) => option.label)).toEqual(['Red', 'Blue']);
    await session.agent.answer(question.approvalId, question.toolCallId, {
      decision: 'allow',
      answers: { 'Which colour?': 'Blue' },
    });
    await session.fact('turn.ended');
    expect(session.model.requests.at(-1)?.conversation.toolResults[0]?.text).toContain('Blue');
  });
});

describe('stop', () => {
  it('TURN7: stopped in the middle of a sentence, the turn ends and what was said stays', async () => {
    await using session = await Session.open([
      says(text('Once upon ', { text: 'never', gate: gate() })),
      says('Again.'),
    ]);
    await session.start();
    const turnId = await session.send('tell me');
    await eventually('the first words', () => session.agent.previews()[0]?.text === 'Once upon ');
    await session.agent.stopTurn(turnId);
    expect((await session.fact('turn.ended')).outcome).toBe('stopped');
    expect(session.of('message.assistant')[0]).toMatchObject({ text: 'Once upon ', partial: true });
    await session.send('again');
    await session.fact('turn.ended', 2);
    expect(session.of('message.assistant')[1]?.text).toBe('Again.');
  });

  it('TURN7: stopped while a question is open, the question is withdrawn and the tool has not run', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    const turnId = await session.send('run touch out.txt');
    const { approvalId } = await session.fact('approval.requested');
    await session.agent.stopTurn(turnId);
    expect((await session.fact('turn.ended')).outcome).toBe('stopped');
    expect(session.of('approval.expired')).toEqual([{ approvalId, reason: 'withdrawn' }]);
    expect(session.of('tool.finished')[0]?.outcome).toBe('stopped');
    expect(existsSync(join(session.workspace, 'out.txt'))).toBe(false);
  });

  it('TURN7: a stop right behind the prompt ends the turn before the model has said a word', async () => {
    await using session = await Session.open([says(text({ text: 'never', gate: gate() })), says('Alive.')]);
    await session.start();
    const turn = session.nextTurn('hi');
    await Promise.all([session.agent.startTurn(turn), session.agent.stopTurn(turn.turnId)]);
    expect((await session.fact('turn.ended')).outcome).toBe('stopped');
    const order = session.writes.map(({ text }) => /"uuid"|"interrupt"/.exec(text)?.[0]).filter((kind) => kind);
    expect(order).toEqual(['"uuid"', '"interrupt"']);
  });

  it('TURN7: a process that does not react any more is ended, and its turn is stopped', async () => {
    await using session = await Session.open([says(text('Once ', { text: 'never', gate: gate() }))], { patience: 150 });
    await session.start();
    const turnId = await session.send('hi');
    await eventually('the first words', () => session.agent.previews()[0]?.text === 'Once ');
    process.kill((await session.held()).pid, 'SIGSTOP');
    await session.agent.stopTurn(turnId);
    await eventually('ended', () => session.ended !== null);
    expect(session.ended?.signal).toBe('SIGKILL');
    expect(session.of('message.assistant')[0]).toMatchObject({ text: 'Once ', partial: true });
    expect(session.of('turn.ended')).toEqual([{ turnId, outcome: 'stopped' }]);
  });

  it('TURN7: the process ends when it is told to, whatever it is doing', async () => {
    await using session = await Session.open([says(uses('Bash', { command: 'echo a; sleep 30' }))], { mode: 'auto' });
    await session.start();
    await session.send('go');
    await session.fact('tool.started');
    await session.agent.stop();
    expect(session.ended).not.toBeNull();
    expect(session.of('turn.ended')[0]?.outcome).toBe('stopped');
  });
});
