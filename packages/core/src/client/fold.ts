/** Facts into the transcript. */
import type { FactData, Fact } from '@holdfast/protocol/fact.ts';
import type { SessionStatus } from '@holdfast/protocol/session.ts';
import { kinds } from '../session/kinds.ts';
import type { PreviewBlock } from './preview.ts';
import { type Draft, edit, put } from './transcript-draft.ts';
import { type ApprovalItem, type TurnEndItem, itemKey } from './transcript-item.ts';
import { type FoldState, type Transcript, itemOf } from './transcript.ts';

/**
 * Folds facts in log order; those at or before lastSeq change nothing. It may begin anywhere in the log (tail first):
 * what ends something that began earlier is passed over. To page backwards, fold older and newer facts anew.
 * Costs one copy of the item list per call, so give it batches.
 */
export function foldFacts(transcript: Transcript, facts: readonly Fact[]): Transcript {
  if (facts.every((fact) => fact.seq <= transcript.lastSeq)) return transcript;
  const draft: Draft = { ...transcript, items: [...transcript.items], fold: { ...transcript.fold } };
  for (const fact of facts) {
    if (fact.seq <= draft.lastSeq) continue;
    foldOne(draft, fact);
    draft.lastSeq = fact.seq;
  }
  draft.status = statusOf(draft);
  return draft;
}

function statusOf(draft: Draft): SessionStatus {
  if (draft.status === 'ended' || draft.status === 'failed') return draft.status;
  if (draft.pendingApprovals.length > 0) return 'waiting';
  if (draft.interrupted !== null && draft.turn === null) return 'interrupted';
  const starts = draft.kind === null || kinds[draft.kind].startsAtOnce;
  return starts && draft.generation === null ? 'creating' : 'active';
}

function foldOne(draft: Draft, fact: Fact): void {
  const base = { seq: fact.seq, at: fact.at };
  switch (fact.type) {
    case 'session.created':
      draft.kind = fact.data.kind;
      draft.title = fact.data.title;
      draft.provider = fact.data.agent?.provider ?? null;
      draft.mode = fact.data.agent?.mode ?? null;
      draft.model = fact.data.agent?.model ?? null;
      draft.terminal = {
        ...draft.terminal,
        cols: fact.data.terminal?.cols ?? null,
        rows: fact.data.terminal?.rows ?? null,
      };
      return;
    case 'session.started':
      draft.generation = fact.data.generation;
      return;
    case 'session.ended':
      draft.status = 'ended';
      put(draft, { ...base, type: 'session-end', key: `end:${fact.seq}`, reason: fact.data.reason, error: null });
      return;
    case 'session.failed':
      draft.status = 'failed';
      draft.error = fact.data.error;
      put(draft, { ...base, type: 'session-end', key: `end:${fact.seq}`, reason: 'failed', error: fact.data.error });
      return;
    case 'session.renamed':
      draft.title = fact.data.title;
      return;
    case 'message.user':
      foldUserMessage(draft, fact);
      return;
    case 'message.assistant': {
      const { blockId, turnId, kind, text, partial = false, parentToolCallId } = fact.data;
      dropPreviews(draft, (preview) => preview.blockId === blockId);
      const item = {
        ...base,
        type: 'assistant',
        key: itemKey.block(blockId),
        blockId,
        turnId,
        kind,
        text,
        partial,
      } as const;
      put(draft, item, parentToolCallId);
      return;
    }
    case 'tool.started': {
      const { parentToolCallId, ...call } = fact.data;
      const key = itemKey.tool(call.toolCallId);
      if (itemOf(draft, key) !== undefined) return;
      const item = { ...base, ...call, type: 'tool', key, state: 'running', output: null, diff: null } as const;
      put(draft, { ...item, finishedAt: null, children: [] }, parentToolCallId);
      draft.fold.runningTools = [...draft.fold.runningTools, key];
      return;
    }
    case 'tool.finished': {
      const key = itemKey.tool(fact.data.toolCallId);
      const { outcome, output, diff = null } = fact.data;
      edit(draft, key, 'tool', (tool) => ({ ...tool, state: outcome, output, diff, finishedAt: fact.at }));
      draft.fold.runningTools = draft.fold.runningTools.filter((other) => other !== key);
      return;
    }
    case 'approval.requested':
    case 'question.requested':
      foldRequest(draft, fact.data, base);
      return;
    case 'approval.answered':
    case 'question.answered':
      settleApproval(draft, fact.data.approvalId, {
        status: 'answered',
        answer: fact.data.answer,
        answeredBy: fact.actor ?? null,
        answeredAt: fact.at,
      });
      return;
    case 'approval.applied':
      settleApproval(draft, fact.data.approvalId, { status: 'applied' });
      return;
    case 'approval.expired':
      settleApproval(draft, fact.data.approvalId, { status: 'expired', expiredReason: fact.data.reason });
      return;
    case 'turn.started': {
      const { turnId, messageId, generation } = fact.data;
      const phase = draft.turn?.turnId === turnId && draft.turn.phase === 'stopping' ? 'stopping' : 'running';
      draft.turn = { turnId, messageId, generation, phase, since: fact.at };
      draft.interrupted = null;
      edit(draft, itemKey.message(messageId), 'user', (item) => ({
        ...item,
        turnId,
        progress: 'running',
        error: null,
      }));
      return;
    }
    case 'turn.ended':
      endTurn(draft, fact, fact.data.outcome, { error: fact.data.error ?? null, reason: null, tool: null });
      return;
    case 'turn.interrupted': {
      const { turnId, reason, tool = null } = fact.data;
      endTurn(draft, fact, 'interrupted', { error: null, reason, tool });
      draft.interrupted = reason === 'discarded' ? null : { turnId, reason, tool };
      return;
    }
    case 'turn.notice':
      put(draft, { ...base, type: 'notice', key: `notice:${fact.seq}`, ...fact.data });
      return;
    case 'mode.changed':
      draft.mode = fact.data.mode;
      putSetting(draft, fact, 'mode', fact.data.mode);
      return;
    case 'model.changed':
      draft.model = fact.data.model;
      putSetting(draft, fact, 'model', fact.data.model);
      return;
    case 'usage':
      foldUsage(draft, fact.data);
      return;
    case 'queue.changed':
      foldQueue(draft, fact);
      return;
    case 'turn.stopping':
      if (draft.turn?.turnId === fact.data.turnId) draft.turn = { ...draft.turn, phase: 'stopping' };
      return;
    case 'driver.changed':
      draft.driver = fact.data.driver;
      return;
    case 'terminal.exited':
      draft.terminal = { ...draft.terminal, exit: fact.data };
      return;
    case 'terminal.resized':
      draft.terminal = { ...draft.terminal, ...fact.data };
      return;
    case 'agent.conversation':
      draft.conversationId = fact.data.conversationId;
      return;
  }
}

function foldUserMessage(draft: Draft, fact: Extract<Fact, { type: 'message.user' }>): void {
  const { messageId, turnId, text } = fact.data;
  const sent = { messageId, at: fact.at, actor: fact.actor ?? null };
  if (turnId === null) draft.fold.waiting = [...draft.fold.waiting, sent];
  else dispatch(draft, fact, turnId, text, sent);
}

function foldQueue(draft: Draft, fact: Extract<Fact, { type: 'queue.changed' }>): void {
  const { queue, taken } = fact.data;
  if (taken !== undefined) {
    // Neither is known where the fold began after the message was queued.
    const text = draft.queue.find((message) => message.messageId === taken.messageId)?.text;
    const sent = draft.fold.waiting.find((message) => message.messageId === taken.messageId);
    dispatch(draft, fact, taken.turnId, text, sent ?? { messageId: taken.messageId, at: fact.at, actor: null });
  }
  draft.queue = queue;
  const queued = new Set(queue.map((message) => message.messageId));
  draft.fold.waiting = draft.fold.waiting.filter((message) => queued.has(message.messageId));
}

function dispatch(
  draft: Draft,
  fact: Fact,
  turnId: string,
  text: string | undefined,
  { messageId, at, actor }: FoldState['waiting'][number],
): void {
  if (text !== undefined) {
    const key = itemKey.message(messageId);
    const item = { type: 'user', key, seq: fact.seq, at, messageId, turnId, text, actor } as const;
    put(draft, { ...item, progress: 'stored', error: null });
  }
  draft.turn = { turnId, messageId, generation: null, phase: 'dispatched', since: fact.at };
  draft.interrupted = null;
}

function foldRequest(
  draft: Draft,
  request: FactData<'approval.requested'>,
  base: { readonly seq: number; readonly at: string },
): void {
  const key = itemKey.approval(request.approvalId);
  // Asked again after a crash: the same row, whatever has become of it.
  if (itemOf(draft, key) !== undefined) return;
  const { questions = [], ...rest } = request;
  const unanswered = {
    status: 'pending',
    answer: null,
    answeredBy: null,
    answeredAt: null,
    expiredReason: null,
  } as const;
  put(draft, { ...base, ...rest, ...unanswered, type: 'approval', key, questions });
  draft.pendingApprovals = [...draft.pendingApprovals, key];
}

function settleApproval(draft: Draft, approvalId: string, settled: Partial<ApprovalItem>): void {
  const key = itemKey.approval(approvalId);
  edit(draft, key, 'approval', (item) => ({ ...item, ...settled }));
  draft.pendingApprovals = draft.pendingApprovals.filter((other) => other !== key);
}

function endTurn(
  draft: Draft,
  fact: Extract<Fact, { type: 'turn.ended' | 'turn.interrupted' }>,
  outcome: TurnEndItem['outcome'],
  details: Pick<TurnEndItem, 'error' | 'reason' | 'tool'>,
): void {
  const { turnId } = fact.data;
  const turn = draft.turn?.turnId === turnId ? draft.turn : null;
  const startedAt = turn?.since ?? null;
  const key = `turn-end:${fact.seq}`;
  put(draft, { type: 'turn-end', key, seq: fact.seq, at: fact.at, turnId, outcome, startedAt, ...details });
  dropPreviews(draft, (preview) => preview.turnId === turnId);
  // A tool nobody saw the end of must not look as if it still ran.
  for (const tool of draft.fold.runningTools) {
    edit(draft, tool, 'tool', (item) =>
      item.turnId === turnId ? { ...item, state: 'unknown', finishedAt: fact.at } : item,
    );
  }
  draft.fold.runningTools = draft.fold.runningTools.filter((tool) => {
    const item = itemOf(draft, tool);
    return item?.type === 'tool' && item.state === 'running';
  });
  if (turn === null) return;
  const progress = outcome === 'completed' ? 'done' : outcome;
  edit(draft, itemKey.message(turn.messageId), 'user', (item) => ({ ...item, progress, error: details.error }));
  draft.turn = null;
}

/** Each usage fact tells its turn's whole so far: the latest one of a turn counts. */
function foldUsage(draft: Draft, data: FactData<'usage'>): void {
  const last = draft.fold.usageOfTurn;
  const before = last?.turnId === data.turnId ? last.data : null;
  draft.usage = {
    inputTokens: draft.usage.inputTokens + data.inputTokens - (before?.inputTokens ?? 0),
    outputTokens: draft.usage.outputTokens + data.outputTokens - (before?.outputTokens ?? 0),
    costUsd: draft.usage.costUsd + (data.costUsd ?? 0) - (before?.costUsd ?? 0),
    turns: draft.usage.turns + (before === null ? 1 : 0),
    contextTokens: data.contextTokens ?? draft.usage.contextTokens,
    contextWindow: data.contextWindow ?? draft.usage.contextWindow,
  };
  draft.fold.usageOfTurn = { turnId: data.turnId, data };
}

function putSetting(draft: Draft, fact: Fact, setting: 'mode' | 'model', value: string): void {
  const actor = fact.actor ?? null;
  put(draft, { type: 'setting', key: `setting:${fact.seq}`, seq: fact.seq, at: fact.at, setting, value, actor });
}

function dropPreviews(draft: Draft, gone: (preview: PreviewBlock) => boolean): void {
  if (![...draft.previews.values()].some(gone)) return;
  draft.previews = new Map([...draft.previews].filter(([, preview]) => !gone(preview)));
}
