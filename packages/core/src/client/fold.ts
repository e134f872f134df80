/** Facts into the transcript: its items here, everything else by the same fold of the state that the server keeps. */
import type { Actor } from '@holdfast/protocol/approval.ts';
import type { Fact, FactData, QueuedMessage } from '@holdfast/protocol/fact.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { apply } from '../session/apply.ts';
import { newAgent } from '../session/state.ts';
import { isInBackground } from '../session/turns.ts';
import { carriedItems } from './carried-items.ts';
import type { PreviewBlock } from './preview.ts';
import { type Draft, edit, put } from './transcript-draft.ts';
import { type ApprovalItem, type TurnEndItem, itemKey } from './transcript-item.ts';
import { type Transcript, itemOf, newTranscript, viewOf } from './transcript.ts';

/** A part of a log, and what the session is at its end. */
export interface LogPart {
  readonly sessionId: string;
  /** Contiguous; the last of the log. */
  readonly facts: readonly Fact[];
  /** After `lastSeq`. */
  readonly state: SessionState;
  readonly lastSeq: number;
}

/** Folds facts in log order; those at or before lastSeq change nothing. Costs one copy of the item list: give it batches. */
export function foldFacts(transcript: Transcript, facts: readonly Fact[]): Transcript {
  if (facts.every((fact) => fact.seq <= transcript.lastSeq)) return transcript;
  const draft = draftOf(transcript);
  for (const fact of facts) {
    if (fact.seq <= draft.lastSeq) continue;
    foldItem(draft, fact);
    const before = draft.fold.state ?? (fact.type === 'session.created' ? null : unread);
    draft.fold.state = apply(before, fact, fact.at, draft.sessionId);
    draft.lastSeq = fact.seq;
  }
  return { ...draft, ...viewOf(draft.fold.state) };
}

/**
 * The transcript of one who has not read the whole log. All that is not an item is what the state says, so it is the
 * same as after reading everything, and so is what further facts make of it. So are the items that began in this part,
 * but for what was told only before it: when a turn began that ended in it, and which call an item belongs to if that
 * call began and ended earlier: it stands by itself then. What began before and is still open (approvals, tools of the
 * open turn) comes first. To page backwards, give it older and newer facts together.
 */
export function transcriptOf({ sessionId, facts, state, lastSeq }: LogPart): Transcript {
  const draft = draftOf(newTranscript(sessionId));
  for (const { item, parentToolCallId } of carriedItems(state, facts)) {
    put(draft, item, parentToolCallId);
    if (item.type === 'tool') draft.fold.runningTools = [...draft.fold.runningTools, item.key];
  }
  const folded = foldFacts(draft, facts);
  return { ...folded, ...viewOf(state), lastSeq, fold: { ...folded.fold, state } };
}

/** Where the log's beginning has not been read: enough to fold what follows on. */
const unread: SessionState = {
  kind: 'agent',
  title: '',
  generation: 0,
  end: 'none',
  stopping: false,
  error: null,
  driver: null,
  everDriven: false,
  terminal: null,
  agent: { ...newAgent, provider: '' },
};

const draftOf = (transcript: Transcript): Draft => ({
  ...transcript,
  items: [...transcript.items],
  fold: { ...transcript.fold },
});

/** The draft's state is still the one before the fact. */
function foldItem(draft: Draft, fact: Fact): void {
  const base = { seq: fact.seq, at: fact.at };
  switch (fact.type) {
    case 'session.ended':
      put(draft, { ...base, type: 'session-end', key: `end:${fact.seq}`, reason: fact.data.reason, error: null });
      return;
    case 'session.failed':
      put(draft, { ...base, type: 'session-end', key: `end:${fact.seq}`, reason: 'failed', error: fact.data.error });
      return;
    case 'message.user': {
      const { turnId, ...message } = fact.data;
      if (turnId !== null) putMessage(draft, fact, turnId, { ...message, sentAt: fact.at, actor: fact.actor });
      return;
    }
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
      const { turnId, messageId, cause } = fact.data;
      if (cause !== undefined) {
        put(draft, { ...base, type: 'own-turn', key: `own-turn:${turnId}`, turnId, cause });
        return;
      }
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
      const { reason, tool = null } = fact.data;
      endTurn(draft, fact, 'interrupted', { error: null, reason, tool });
      return;
    }
    case 'turn.notice':
      put(draft, { ...base, type: 'notice', key: `notice:${fact.seq}`, ...fact.data });
      return;
    case 'mode.changed':
      putSetting(draft, fact, 'mode', fact.data.mode);
      return;
    case 'model.changed':
      putSetting(draft, fact, 'model', fact.data.model);
      return;
    case 'queue.changed':
      foldTaken(draft, fact);
      return;
    default:
      return;
  }
}

/** A message of the queue whose turn has come joins the conversation. */
function foldTaken(draft: Draft, fact: Extract<Fact, { type: 'queue.changed' }>): void {
  const { taken } = fact.data;
  if (taken === undefined) return;
  // The first builds told its text only while it waited.
  const known = draft.fold.state?.agent?.queue.find((queued) => queued.messageId === taken.messageId);
  const { turnId, text, ...message } = { ...known, ...taken };
  if (text !== undefined) putMessage(draft, fact, turnId, { ...message, text });
}

function putMessage(
  draft: Draft,
  { seq, at }: Fact,
  turnId: string,
  {
    messageId,
    text,
    attachments = [],
    sentAt = at,
    actor = null,
  }: Omit<QueuedMessage, 'actor'> & { actor?: Actor | null | undefined },
): void {
  const key = itemKey.message(messageId);
  const item = { type: 'user', key, seq, at: sentAt, messageId, turnId, text, attachments, actor } as const;
  put(draft, { ...item, progress: 'stored', error: null });
}

function foldRequest(
  draft: Draft,
  request: FactData<'approval.requested'>,
  base: { readonly seq: number; readonly at: string },
): void {
  const key = itemKey.approval(request.approvalId);
  const known = itemOf(draft, key);
  // Asked again while it is open: the same one, as it stands.
  if (known?.type === 'approval' && (known.status === 'pending' || known.status === 'answered')) return;
  const { questions = [], ...rest } = request;
  const unanswered = {
    status: 'pending',
    answer: null,
    answeredBy: null,
    answeredAt: null,
    expiredReason: null,
  } as const;
  const item: ApprovalItem = { ...base, ...rest, ...unanswered, type: 'approval', key, questions };
  if (known === undefined) put(draft, item);
  else edit(draft, key, 'approval', () => item);
}

function settleApproval(draft: Draft, approvalId: string, settled: Partial<ApprovalItem>): void {
  edit(draft, itemKey.approval(approvalId), 'approval', (item) => ({ ...item, ...settled }));
}

function endTurn(
  draft: Draft,
  fact: Extract<Fact, { type: 'turn.ended' | 'turn.interrupted' }>,
  outcome: TurnEndItem['outcome'],
  details: Pick<TurnEndItem, 'error' | 'reason' | 'tool'>,
): void {
  const { turnId } = fact.data;
  const agent = draft.fold.state?.agent ?? null;
  const turn = [agent?.turn, agent?.nextTurn].find((one) => one?.turnId === turnId) ?? null;
  const startedAt = turn?.since ?? null;
  const key = `turn-end:${fact.seq}`;
  put(draft, { type: 'turn-end', key, seq: fact.seq, at: fact.at, turnId, outcome, startedAt, ...details });
  dropPreviews(draft, (preview) => preview.turnId === turnId);
  // A tool nobody saw the end of must not look as if it still ran.
  const open = agent?.tools ?? {};
  for (const tool of draft.fold.runningTools) {
    edit(draft, tool, 'tool', (item) =>
      item.turnId === turnId && !isInBackground(open, item.toolCallId)
        ? { ...item, state: 'unknown', finishedAt: fact.at }
        : item,
    );
  }
  draft.fold.runningTools = draft.fold.runningTools.filter((tool) => {
    const item = itemOf(draft, tool);
    return item?.type === 'tool' && item.state === 'running';
  });
  if (turn === null) return;
  const progress = outcome === 'completed' ? 'done' : outcome;
  edit(draft, itemKey.message(turn.messageId), 'user', (item) => ({ ...item, progress, error: details.error }));
}

function putSetting(draft: Draft, fact: Fact, setting: 'mode' | 'model', value: string): void {
  const actor = fact.actor ?? null;
  put(draft, { type: 'setting', key: `setting:${fact.seq}`, seq: fact.seq, at: fact.at, setting, value, actor });
}

function dropPreviews(draft: Draft, gone: (preview: PreviewBlock) => boolean): void {
  if (![...draft.previews.values()].some(gone)) return;
  draft.previews = new Map([...draft.previews].filter(([, preview]) => !gone(preview)));
}
