/** A driver that comes and goes on a process that lives, and a process that dies. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ApprovalAnswer, ApprovalKind } from '@holdfast/protocol/approval.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { gate } from '@holdfast/testkit/model/gate.ts';
import { keywordScript } from '@holdfast/testkit/model/keyword-script.ts';
import { says, text, uses } from '@holdfast/testkit/model/reply.ts';
import { Session } from './session.ts';

describe('another driver on the same process', () => {
  it('APPR1: an open approval keeps its id, is not told again, and its answer lets the turn go on', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    await session.send('run touch out.txt');
    const { approvalId, toolCallId } = await session.fact('approval.requested');
    await session.reattach();
    // Before the agent has asked again: the answer waits for it.
    expect(await session.agent.answer(approvalId, toolCallId, { decision: 'allow' })).toEqual({
      ok: true,
      value: null,
    });
    await session.fact('turn.ended');
    expect(session.types.filter((type) => /^(tool|approval|turn)/.test(type))).toEqual([
      'tool.started',
      'approval.requested',
      'approval.applied',
      'tool.finished',
      'turn.ended',
    ]);
    expect(existsSync(join(session.workspace, 'out.txt'))).toBe(true);
    await session.send('say more');
    await session.fact('turn.ended', 2);
    expect(session.of('message.assistant').at(-1)?.text).toBe('more');
  });

  it('APPR4: an approval whose fact was not stored is told by the next driver', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    await session.send('run touch out.txt');
    const { approvalId, toolCallId } = await session.fact('approval.requested');
    const unstored = session.told.findIndex((entry) => entry.facts.some((fact) => fact.type === 'approval.requested'));
    session.told.length = unstored;
    await session.reattach();
    expect(await session.fact('approval.requested')).toMatchObject({ approvalId, toolCallId });
    await session.agent.answer(approvalId, toolCallId, { decision: 'allow' });
    expect((await session.fact('turn.ended')).outcome).toBe('completed');
    expect(session.of('approval.requested')).toHaveLength(1);
  });

  const colours = {
    question: 'Which colours?',
    header: 'Colours',
    multiSelect: true,
    options: ['Red', 'Blue', 'Green'].map((label) => ({ label, description: label })),
  };
  const plan = uses('ExitPlanMode', { plan: '1. Look\n2. Do it' });
  const plansAndQuestions: readonly {
    what: string;
    call: ReturnType<typeof uses>;
    kind: ApprovalKind;
    answer: ApprovalAnswer;
    told: RegExp;
  }[] = [
    { what: 'a plan that is allowed', call: plan, kind: 'plan', answer: { decision: 'allow' }, told: /approved/i },
    {
      what: 'a plan that is denied, with what to do instead',
      call: plan,
      kind: 'plan',
      answer: { decision: 'deny', message: 'look twice first' },
      told: /look twice first/,
    },
    {
      what: 'a question with several answers',
      call: uses('AskUserQuestion', { questions: [colours] }),
      kind: 'question',
      answer: { decision: 'allow', answers: { 'Which colours?': 'Red, Green' } },
      told: /Red, Green/,
    },
  ];
  it.each(plansAndQuestions)(
    'APPR14, APPR15: $what is asked again by the next driver as the same, and answered once',
    async (each) => {
      await using session = await Session.open([says(uses('EnterPlanMode', {})), says(each.call), says('Done.')]);
      await session.start();
      await session.send('go');
      const type = each.kind === 'question' ? 'question.requested' : 'approval.requested';
      const asked = await session.fact(type);
      expect(asked.kind).toBe(each.kind);
      if (each.kind === 'plan')
        expect(asked).toMatchObject({ title: '1. Look 2. Do it', input: { plan: '1. Look\n2. Do it' } });
      await session.reattach();
      // What the answer is for is asked again meanwhile, under the same id.
      const { approvalId, toolCallId } = asked;
      expect(await session.agent.answer(approvalId, toolCallId, each.answer)).toEqual({ ok: true, value: null });
      expect((await session.fact('turn.ended')).outcome).toBe('completed');
      expect(session.of(type)).toHaveLength(1);
      expect(session.of('approval.applied')).toEqual([{ approvalId }]);
      expect(session.model.requests.at(-1)?.conversation.toolResults.at(-1)?.text).toMatch(each.told);
    },
  );

  it('APPR3: an answer delivered again to the next driver is taken once and says so', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    await session.send('run touch out.txt');
    const { approvalId, toolCallId } = await session.fact('approval.requested');
    const before = session.lastPosition;
    await session.agent.answer(approvalId, toolCallId, { decision: 'allow' });
    await session.fact('turn.ended');
    session.told.splice(session.told.findIndex((entry) => entry.position > before));
    session.writes.length = 0;
    await session.reattach();
    expect(await session.agent.answer(approvalId, toolCallId, { decision: 'allow' })).toEqual({
      ok: true,
      value: null,
    });
    await session.send('say more');
    await session.fact('turn.ended', 2);
    expect(session.of('approval.applied')).toEqual([{ approvalId }]);
    expect(session.of('tool.finished')).toHaveLength(1);
    expect(session.writes.filter((write) => write.text.includes('"behavior"'))).toEqual([]);
  });

  it('TURN5: what was said while no driver was there is told once, and the sentence under way goes on', async () => {
    const [away, back] = [gate(), gate()];
    const reply = says(text('First.'), text('Second ', { text: 'is ', gate: away }, { text: 'longer.', gate: back }));
    await using session = await Session.open([reply]);
    await session.start();
    await session.send('hi');
    await eventually('the second block', () => session.agent.previews()[0]?.text === 'Second ');
    await session.leave();
    const { end } = (await session.held()).streams.out;
    away.open();
    await eventually('more is in the holder', async () => (await session.held()).streams.out.end > end);
    await session.reattach();
    const open = await eventually('the preview', () => session.agent.previews().find((p) => p.text === 'Second is '));
    back.open();
    await session.fact('turn.ended');
    expect(session.of('message.assistant').map((block) => block.text)).toEqual(['First.', 'Second is longer.']);
    expect(session.of('message.assistant')[1]?.blockId).toBe(open.blockId);
    expect(session.model.requests).toHaveLength(1);
  });

  it('TURN5: read again from the beginning, the stream gives the same facts at the same positions', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    await session.send('run touch out.txt');
    const { approvalId, toolCallId } = await session.fact('approval.requested');
    await session.agent.answer(approvalId, toolCallId, { decision: 'allow' });
    await session.fact('turn.ended');
    const first = [...session.told];
    session.told.length = 0;
    session.meta = { ...session.meta, conversationId: null };
    await session.reattach(0);
    await session.fact('turn.ended');
    expect(session.told).toEqual(first);
    // The question in it was answered to an earlier driver: the SDK must not see it again.
    expect(await session.agent.answer(approvalId, toolCallId, { decision: 'deny' })).toEqual({ ok: true, value: null });
    expect(session.writes.filter((write) => write.text.includes('"deny"'))).toEqual([]);
  });

  it('TURN7: a turn that began under another driver can be stopped', async () => {
    await using session = await Session.open([says(text('Once upon ', { text: 'never', gate: gate() }))]);
    await session.start();
    const turnId = await session.send('tell me');
    await eventually('the first words', () => session.agent.previews()[0]?.text === 'Once upon ');
    await session.reattach();
    await session.agent.stopTurn(turnId);
    expect((await session.fact('turn.ended')).outcome).toBe('stopped');
  });
});

describe('the process dies', () => {
  it('TURN6: killed in mid-sentence it leaves its words as partial, and the next process knows the conversation', async () => {
    await using session = await Session.open((conversation) =>
      conversation.userText.includes('remember')
        ? says('I will.')
        : conversation.userText.includes('tell')
          ? says(text('Once upon ', { text: 'never', gate: gate() }))
          : says(`I know ${conversation.history.filter((entry) => entry.text.includes('remember 42')).length}`),
    );
    await session.start();
    await session.send('remember 42');
    await session.fact('turn.ended');
    await session.send('tell me');
    await eventually('the first words', () => session.agent.previews()[0]?.text === 'Once upon ');
    process.kill((await session.held()).pid, 'SIGKILL');
    await eventually('ended', () => session.ended !== null);
    expect(session.ended).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    expect(session.of('message.assistant').at(-1)).toMatchObject({ text: 'Once upon ', partial: true });
    expect(session.of('turn.ended')).toHaveLength(1);
    const { conversationId } = session.meta;
    expect(await session.agent.startTurn({ turnId: 't9', messageId: 'm9', text: 'x', files: [] })).toMatchObject({
      ok: false,
    });

    session.meta = { ...session.meta, generation: 2, turn: null };
    session.told.length = 0;
    await session.start();
    await session.send('what do you know?');
    await session.fact('turn.ended');
    expect(session.of('message.assistant')[0]?.text).toBe('I know 1');
    expect(session.of('agent.conversation')).toEqual([]);
    expect(session.meta.conversationId).toBe(conversationId);
  });

  it('TURN10: a conversation that is gone is begun anew, and that is said before anything else', async () => {
    await using session = await Session.open([says('hello')]);
    const turn = session.nextTurn('who am I?');
    session.meta = { ...session.meta, conversationId: '11111111-2222-4333-8444-555555555555' };
    await session.start();
    await session.agent.startTurn(turn);
    expect(await session.fact('turn.ended')).toMatchObject({ outcome: 'completed' });
    expect(session.facts[0]).toMatchObject({ type: 'turn.notice', data: { level: 'warning' } });
    expect(session.of('turn.notice')[0]?.text).toMatch(/begins anew/);
    expect(session.meta.conversationId).not.toBe('11111111-2222-4333-8444-555555555555');
    expect(session.of('agent.conversation')).toHaveLength(1);
  });

  it('TURN6: a process that ended while no driver was there tells its rest and its end, at the same positions', async () => {
    await using session = await Session.open([says(text('Once upon ', { text: 'never', gate: gate() }))]);
    await session.start();
    await session.send('tell me');
    await eventually('the first words', () => session.agent.previews()[0]?.text === 'Once upon ');
    const stored = session.lastPosition;
    await session.leave();
    process.kill((await session.held()).pid, 'SIGKILL');
    await eventually('gone', async () => (await session.held()).exit !== null);
    await session.reattach(stored);
    await eventually('ended', () => session.ended !== null);
    expect(session.of('message.assistant').at(-1)).toMatchObject({ text: 'Once upon ', partial: true });
    const { ended, lastPosition } = session;
    session.ended = null;
    await session.reattach();
    await eventually('ended again', () => session.ended !== null);
    expect(session.ended).toEqual(ended);
    expect(session.lastPosition).toBe(lastPosition);
  });
});
