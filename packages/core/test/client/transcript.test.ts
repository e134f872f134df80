import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldFacts } from '@holdfast/core/client/fold.ts';
import { overlay } from '@holdfast/core/client/overlay.ts';
import { type OutboxEntry } from '@holdfast/core/client/outbox.ts';
import { applyPreview, previewLimits } from '@holdfast/core/client/preview.ts';
import type { ToolCallItem, TranscriptItem } from '@holdfast/core/client/transcript-item.ts';
import { type Transcript, itemOf, newTranscript } from '@holdfast/core/client/transcript.ts';
import type { Command } from '@holdfast/protocol/command.ts';
import type { Fact, FactDraft } from '@holdfast/protocol/fact.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';

const earlier = '2025-12-31T00:00:00.000Z';
const ada = { kind: 'user', id: 'u', name: 'Ada', device: 'phone' } as const;

const log = (...drafts: FactDraft[]): Fact[] =>
  drafts.map((draft, index) => {
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString();
    return { ...draft, seq: index + 1, at };
  });
const fold = (...drafts: FactDraft[]): Transcript => foldFacts(newTranscript('s'), log(...drafts));

const created: FactDraft = {
  type: 'session.created',
  data: { kind: 'agent', workspaceId: 'w', title: 'Fix it', agent: { provider: 'claude', mode: 'agent', model: 'm1' } },
};
const user = (messageId: string, turnId: string | null): FactDraft => ({
  type: 'message.user',
  data: { messageId, turnId, text: `text ${messageId}` },
  actor: ada,
});
const started = (turnId: string, messageId: string, generation = 1): FactDraft => ({
  type: 'turn.started',
  data: { turnId, messageId, generation },
});
const ended = (turnId: string, outcome: 'completed' | 'stopped' | 'failed' = 'completed'): FactDraft => ({
  type: 'turn.ended',
  data: { turnId, outcome },
});
const block = (blockId: string, turnId = 't1', parentToolCallId?: string): FactDraft => ({
  type: 'message.assistant',
  data: { blockId, turnId, kind: 'text', text: `said ${blockId}`, ...(parentToolCallId && { parentToolCallId }) },
});
const tool = (toolCallId: string, turnId = 't1', parentToolCallId?: string): FactDraft => ({
  type: 'tool.started',
  data: { toolCallId, turnId, tool: 'Bash', title: 'ls', input: {}, ...(parentToolCallId && { parentToolCallId }) },
});
const toolEnd = (toolCallId: string): FactDraft => ({
  type: 'tool.finished',
  data: { toolCallId, outcome: 'succeeded', output: { text: 'ok', bytes: 2, cut: false } },
});
const request = (approvalId: string, turnId = 't1'): FactDraft => ({
  type: 'approval.requested',
  data: {
    approvalId,
    turnId,
    toolCallId: 'c',
    kind: 'permission',
    tool: 'Bash',
    title: 'rm',
    input: {},
    scopes: ['once'],
  },
});
const answeredFact = (approvalId: string): FactDraft => ({
  type: 'approval.answered',
  data: { approvalId, answer: { decision: 'allow' } },
  actor: ada,
});
const queue = (messageIds: string[], taken?: { messageId: string; turnId: string; text?: string }): FactDraft => ({
  type: 'queue.changed',
  data: {
    queue: messageIds.map((messageId) => ({ messageId, text: `text ${messageId}`, sentAt: earlier, actor: ada })),
    ...(taken && { taken: { sentAt: earlier, actor: ada, ...taken } }),
  },
});

const keys = (transcript: Transcript): string[] => transcript.items.map((item) => item.key);
const find = <T extends TranscriptItem['type']>(
  transcript: Transcript,
  key: string,
  type: T,
): Extract<TranscriptItem, { type: T }> => {
  const item = itemOf(transcript, key);
  if (item?.type !== type) throw new Error(`${key} is ${item?.type ?? 'missing'}`);
  return item as Extract<TranscriptItem, { type: T }>;
};

describe('transcript', () => {
  it('PAGE1: a message goes stored, running, done as the log says, and no further', () => {
    const facts = log(created, user('m', 't1'), started('t1', 'm'), block('b'), ended('t1'));
    const progress = facts.map((_, index) => {
      const item = itemOf(foldFacts(newTranscript('s'), facts.slice(0, index + 1)), 'message:m');
      return item?.type === 'user' ? item.progress : null;
    });
    expect(progress).toEqual([null, 'stored', 'running', 'running', 'done']);
    expect(fold(created, user('m', 't1'), started('t1', 'm'), ended('t1', 'stopped')).items[1]).toMatchObject({
      type: 'turn-end',
      outcome: 'stopped',
    });
  });

  it('PAGE1: a turn is dispatched, running, stopping and gone only by its facts', () => {
    const drafts: FactDraft[] = [
      created,
      user('m', 't1'),
      started('t1', 'm'),
      { type: 'turn.stopping', data: { turnId: 't1' } },
      ended('t1', 'stopped'),
    ];
    const phases = drafts.map((_, index) => fold(...drafts.slice(0, index + 1)).turn?.phase ?? null);
    expect(phases).toEqual([null, 'dispatched', 'running', 'stopping', null]);
  });

  it('PAGE1: a queued message waits in the queue and joins the conversation when its turn comes', () => {
    const before = [created, user('1', 't1'), started('t1', '1'), user('2', null), queue(['2']), block('b')];
    const waiting = fold(...before);
    expect(keys(waiting)).toEqual(['message:1', 'block:b']);
    expect(waiting.queue.map(({ messageId }) => messageId)).toEqual(['2']);
    const after = fold(...before, ended('t1'), queue([], { messageId: '2', turnId: 't2', text: 'better' }));
    const joined = { key: 'message:2', text: 'better', actor: ada, at: earlier, progress: 'stored' };
    expect(after.items.at(-1)).toMatchObject(joined);
    expect(after.turn).toMatchObject({ turnId: 't2', phase: 'dispatched' });
    expect(after.queue).toEqual([]);
    // The first builds told the text only while it waited.
    const edited: FactDraft = { type: 'queue.changed', data: { queue: [{ messageId: '2', text: 'better' }] } };
    const taken: FactDraft = { type: 'queue.changed', data: { queue: [], taken: { messageId: '2', turnId: 't2' } } };
    expect(fold(...before, edited, ended('t1'), taken).items.at(-1)).toMatchObject({
      key: 'message:2',
      text: 'better',
    });
  });

  it('PAGE1: sub-agents\u2019 work nests in the call they were started by', () => {
    const transcript = fold(
      created,
      user('m', 't1'),
      tool('outer'),
      tool('inner', 't1', 'outer'),
      block('deep', 't1', 'inner'),
      toolEnd('inner'),
      block('top'),
    );
    expect(keys(transcript)).toEqual(['message:m', 'tool:outer', 'block:top']);
    const outer = find(transcript, 'tool:outer', 'tool');
    const inner = outer.children[0] as ToolCallItem;
    expect(inner).toMatchObject({ key: 'tool:inner', state: 'succeeded', output: { text: 'ok' } });
    expect(inner.children.map(({ key }) => key)).toEqual(['block:deep']);
    expect(outer.state).toBe('running');
  });

  it('APPR3: an approval is pending, answered by somebody, and applied only by the runner\u2019s word', () => {
    const asked = fold(created, request('a'));
    expect(asked).toMatchObject({ status: 'waiting', pendingApprovals: ['approval:a'] });
    const told = fold(created, request('a'), answeredFact('a'));
    expect(told).toMatchObject({ status: 'active', pendingApprovals: [] });
    expect(find(told, 'approval:a', 'approval')).toMatchObject({ status: 'answered', answeredBy: ada });
    const applied = fold(created, request('a'), answeredFact('a'), {
      type: 'approval.applied',
      data: { approvalId: 'a' },
    });
    expect(find(applied, 'approval:a', 'approval')).toMatchObject({ status: 'applied', answer: { decision: 'allow' } });
    const again = fold(created, request('a'), answeredFact('a'), request('a'));
    expect(find(again, 'approval:a', 'approval').status).toBe('answered');
  });

  it('TURN6: after an interruption nothing looks as if it still ran', () => {
    const interrupted: FactDraft = {
      type: 'turn.interrupted',
      data: { turnId: 't1', reason: 'agent_died', tool: 'Bash' },
    };
    const before = [created, user('m', 't1'), started('t1', 'm'), tool('c')];
    const { transcript } = applyPreview(fold(...before), {
      blockId: 'b',
      turnId: 't1',
      kind: 'text',
      offset: 0,
      text: 'half',
    });
    const last = log(...before, interrupted).slice(-1);
    const after = foldFacts(transcript, last);
    expect(after).toMatchObject({ turn: null, status: 'interrupted', interrupted: { turnId: 't1', tool: 'Bash' } });
    expect(find(after, 'tool:c', 'tool').state).toBe('unknown');
    expect(find(after, 'message:m', 'user').progress).toBe('interrupted');
    expect(after.previews.size).toBe(0);
    const discarded = fold(...before, interrupted, {
      type: 'turn.interrupted',
      data: { turnId: 't1', reason: 'discarded' },
    });
    expect(discarded).toMatchObject({ status: 'active', interrupted: null });
    expect(fold(...before, interrupted, user('n', 't2')).interrupted).toBeNull();
  });

  it('PAGE1: usage of a turn counts once, however often it is told', () => {
    const usage = (turnId: string, outputTokens: number): FactDraft => ({
      type: 'usage',
      data: { turnId, inputTokens: 10, outputTokens, costUsd: 0.25, contextTokens: outputTokens, contextWindow: 1000 },
    });
    const transcript = fold(created, usage('t1', 5), usage('t1', 8), usage('t2', 1));
    expect(transcript.usage).toEqual({
      inputTokens: 20,
      outputTokens: 9,
      costUsd: 0.5,
      turns: 2,
      contextTokens: 1,
      contextWindow: 1000,
    });
  });

  it('PAGE1: settings, titles, ends and failures are the latest the log tells', () => {
    const transcript = fold(
      created,
      { type: 'mode.changed', data: { mode: 'auto' }, actor: ada },
      { type: 'model.changed', data: { model: 'm2' } },
      { type: 'session.renamed', data: { title: 'New' } },
      { type: 'agent.conversation', data: { conversationId: 'c' } },
      { type: 'driver.changed', data: { driver: { ...ada, clientId: 'tab' } } },
      { type: 'session.failed', data: { error: { kind: 'agent_unavailable', message: 'log in' } } },
    );
    expect(transcript).toMatchObject({
      title: 'New',
      mode: 'auto',
      model: 'm2',
      provider: 'claude',
      conversationId: 'c',
      driver: { ...ada, clientId: 'tab' },
      status: 'failed',
      error: { kind: 'agent_unavailable' },
    });
    const terminal = fold(
      {
        type: 'session.created',
        data: { kind: 'terminal', workspaceId: 'w', title: 'sh', terminal: { cols: 80, rows: 24 } },
      },
      { type: 'session.started', data: { generation: 1 } },
      { type: 'terminal.resized', data: { cols: 100, rows: 30 } },
      { type: 'terminal.exited', data: { exitCode: 3, signal: null } },
      { type: 'session.ended', data: { reason: 'exited' } },
    );
    expect(terminal.terminal).toEqual({ cols: 100, rows: 30, exit: { exitCode: 3, signal: null } });
    expect(terminal).toMatchObject({ status: 'ended', generation: 1 });
  });

  const anyDraft: fc.Arbitrary<FactDraft> = fc
    .record({
      kind: fc.integer({ min: 0, max: 14 }),
      n: fc.integer({ min: 1, max: 4 }),
      p: fc.integer({ min: 0, max: 4 }),
    })
    .map(({ kind, n, p }): FactDraft => {
      const parent = p === 0 || p === n ? undefined : `c${p}`;
      const turnId = `t${n}`;
      const drafts: FactDraft[] = [
        user(`m${n}`, turnId),
        user(`m${n}`, null),
        queue([`m${n}`]),
        queue([], { messageId: `m${n}`, turnId }),
        started(turnId, `m${n}`),
        ended(turnId, 'failed'),
        { type: 'turn.interrupted', data: { turnId, reason: 'runner_lost' } },
        block(`b${n}`, turnId, parent),
        tool(`c${n}`, turnId, parent),
        toolEnd(`c${n}`),
        request(`a${n}`, turnId),
        answeredFact(`a${n}`),
        { type: 'approval.expired', data: { approvalId: `a${n}`, reason: 'turn_ended' } },
        { type: 'turn.notice', data: { turnId, level: 'info', text: 'hm' } },
        { type: 'mode.changed', data: { mode: 'ask' } },
      ];
      return drafts[kind] ?? created;
    });

  it('PAGE1: any log gives the same transcript in any portions, twice or once, also where folds have branched', () => {
    const seen = (transcript: Transcript): unknown => ({ ...transcript, fold: null });
    const cuts = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(anyDraft, { maxLength: 60 }), fc.array(anyDraft, { maxLength: 10 }), cuts, (a, b, sizes) => {
        const facts = log(created, ...a);
        const whole = foldFacts(newTranscript('s'), facts);
        let portions = newTranscript('s');
        for (let from = 0, round = 0; from < facts.length; round += 1) {
          const size = sizes[round % sizes.length] ?? 1;
          // Another future from here must leave no trace in this one.
          foldFacts(portions, log(created, ...a.slice(0, Math.max(0, from - 1)), ...b));
          portions = foldFacts(portions, facts.slice(Math.max(0, from - 2), from + size));
          from += size;
        }
        expect(seen(portions)).toEqual(seen(whole));
        expect(foldFacts(whole, facts)).toBe(whole);
        const all = whole.items.map((item) => item.key);
        expect(new Set(all).size).toBe(all.length);
      }),
      { numRuns: 300 },
    );
  });

  it('PAGE1: an item that did not change is the same object as before', () => {
    const drafts = [created, user('m', 't1'), started('t1', 'm'), tool('c'), block('b')];
    const before = fold(...drafts);
    const after = foldFacts(before, log(...drafts, toolEnd('c')).slice(-1));
    expect(after.items[0]).toBe(before.items[0]);
    expect(after.items[2]).toBe(before.items[2]);
    expect(after.items[1]).not.toBe(before.items[1]);
    expect(before.items[1]).toMatchObject({ state: 'running' });
  });

  it('PAGE1: beginning in the middle of a log is no error; what began earlier is passed over', () => {
    const facts = log(created, user('m', 't1'), started('t1', 'm'), tool('c'), toolEnd('c'), ended('t1')).slice(4);
    expect(keys(foldFacts(newTranscript('s'), facts))).toEqual(['turn-end:6']);
  });
});

describe('previews', () => {
  const preview = (offset: number, text: string, blockId = 'b'): Preview => ({
    blockId,
    turnId: 't1',
    kind: 'text',
    offset,
    text,
  });
  const shown = (transcript: Transcript): string | undefined => transcript.previews.get('b')?.text;

  it('TURN8: grow by offset, are replaced at 0, and end with their fact, which keeps their key', () => {
    const drafts = [created, user('m', 't1'), started('t1', 'm')];
    let transcript = fold(...drafts);
    for (const part of [preview(0, 'hel'), preview(3, 'lo'), preview(3, 'lo'), preview(5, ' you')]) {
      const applied = applyPreview(transcript, part);
      expect(applied.fits).toBe(true);
      transcript = applied.transcript;
    }
    expect(shown(transcript)).toBe('hello you');
    expect(applyPreview(transcript, preview(20, 'far'))).toEqual({ transcript, fits: false });
    expect(shown(applyPreview(transcript, preview(0, 'anew')).transcript)).toBe('anew');
    const finished = foldFacts(transcript, log(...drafts, block('b')).slice(-1));
    expect(finished.previews.size).toBe(0);
    expect(finished.items.at(-1)?.key).toBe(transcript.previews.get('b')?.key);
    expect(applyPreview(finished, preview(0, 'late')).transcript).toBe(finished);
  });

  it('TURN8: whatever is lost, repeated or late, what is shown is a beginning of the text', () => {
    const text = 'The quick brown fox jumps over the lazy dog, twice.';
    const part = fc.record({ from: fc.nat(text.length), length: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        let transcript = fold(created);
        for (const { from, length } of parts) {
          transcript = applyPreview(transcript, preview(from, text.slice(from, from + length))).transcript;
          expect(text.startsWith(shown(transcript) ?? '')).toBe(true);
        }
      }),
    );
  });

  it('TURN8: are bounded', () => {
    let transcript = fold(created);
    for (let number = 0; number < 2 * previewLimits.blocks; number += 1) {
      transcript = applyPreview(transcript, preview(0, 'x', `b${number}`)).transcript;
    }
    expect(transcript.previews.size).toBe(previewLimits.blocks);
    const long = applyPreview(fold(created), preview(0, 'x'.repeat(previewLimits.text + 5))).transcript;
    expect(shown(long)).toHaveLength(previewLimits.text);
  });
});

describe('overlay', () => {
  const entry = (command: Command, state: OutboxEntry['state'], sessionId = 's'): OutboxEntry => ({
    id: command.id,
    sessionId,
    command,
    createdAt: '2026-01-01T00:00:00.000Z',
    order: 0,
    state,
    attempts: 0,
    sends: 0,
    uncertain: false,
    refusal: null,
    delayedBy: null,
    due: 0,
  });
  const send = (id: string): Command => ({ id, type: 'message.send', text: `text ${id}` });

  it('PAGE1: own messages are shown with what is true of them, until the log has them', () => {
    const transcript = fold(created, user('1', 't1'), started('t1', '1'), user('2', null), queue(['2']));
    const error = { kind: 'conflict', message: 'no' } as const;
    const over = overlay(transcript, 's', [
      entry(send('1'), { status: 'stored', seq: 2 }),
      entry(send('2'), { status: 'sending' }),
      entry(send('3'), { status: 'failed', error }),
      entry(send('4'), { status: 'saved' }),
      entry(send('5'), { status: 'saved' }, 'another session'),
    ]);
    expect(over.pending.map(({ messageId, key, delivery }) => [messageId, key, delivery.status])).toEqual([
      ['3', 'message:3', 'failed'],
      ['4', 'message:4', 'saved'],
    ]);
  });

  it('PAGE1, UPLOAD9: what is attached is shown with its message: on its way, in the queue, and in the log', () => {
    const attachments = [{ uploadId: 'u', name: 'a.png', mediaType: 'image/png', size: 3 }];
    const pending = overlay(newTranscript('s'), 's', [
      entry({ ...send('3'), attachments } as Command, { status: 'saved' }),
    ]);
    expect(pending.pending[0]?.attachments).toEqual(attachments);
    expect(overlay(newTranscript('s'), 's', [entry(send('3'), { status: 'saved' })]).pending[0]?.attachments).toEqual(
      [],
    );
    const message = { messageId: '1', text: 'look', attachments };
    const sent = fold(created, { type: 'message.user', data: { ...message, turnId: 't1' }, actor: ada });
    expect(find(sent, 'message:1', 'user')).toMatchObject({ text: 'look', attachments });
    const taken = fold(
      created,
      { type: 'message.user', data: { ...message, turnId: null }, actor: ada },
      { type: 'queue.changed', data: { queue: [message] } },
      { type: 'queue.changed', data: { queue: [], taken: { messageId: '1', turnId: 't2' } } },
    );
    expect(find(taken, 'message:1', 'user')).toMatchObject({ turnId: 't2', attachments });
    expect(find(fold(created, user('1', 't1')), 'message:1', 'user').attachments).toEqual([]);
  });

  it('PAGE1: answers and stops under way are told beside the log, not as if they had happened', () => {
    const transcript = fold(created, user('1', 't1'), started('t1', '1'), request('a'));
    const over = overlay(transcript, 's', [
      entry({ id: 'x', type: 'approval.answer', approvalId: 'a', answer: { decision: 'deny' } }, { status: 'sending' }),
      entry({ id: 'y', type: 'turn.stop', turnId: 't1' }, { status: 'saved' }),
      entry({ id: 'late', type: 'turn.stop', turnId: 't0' }, { status: 'sending' }),
      entry(
        { id: 'z', type: 'mode.set', mode: 'ask' },
        { status: 'failed', error: { kind: 'forbidden', message: 'no' } },
      ),
    ]);
    expect(over.answers.get('a')).toEqual({
      commandId: 'x',
      answer: { decision: 'deny' },
      delivery: { status: 'sending' },
    });
    expect(over.stop).toEqual({ status: 'saved' });
    expect(over.troubled.map(({ id }) => id)).toEqual(['z']);
    expect(transcript.turn?.phase).toBe('running');
    expect(find(transcript, 'approval:a', 'approval').status).toBe('pending');
  });
});
