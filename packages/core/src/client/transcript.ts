/**
 * What a page draws of a session: a fold over its log (fold.ts), so the same facts always give the same transcript, in
 * whatever portions they came. An item that did not change is the same object as before, and its key never changes.
 * Previews and the outbox are laid over it (preview.ts, overlay.ts); nothing else is ever shown.
 */
import type { Actor } from '@holdfast/protocol/approval.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { FactData, QueuedMessage } from '@holdfast/protocol/fact.ts';
import type { AgentMode, Exit, SessionKind, SessionStatus, TurnPhase } from '@holdfast/protocol/session.ts';
import type { PreviewBlock } from './preview.ts';
import type { TranscriptItem } from './transcript-item.ts';

export interface TurnView {
  readonly turnId: string;
  readonly messageId: string;
  /** Null until the runner says that it runs. */
  readonly generation: number | null;
  readonly phase: TurnPhase;
  /** ISO 8601: since it is in this phase. */
  readonly since: string;
}

export interface UsageTotals {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  readonly turns: number;
  /** Of the latest turn that told it. */
  readonly contextTokens: number | null;
  readonly contextWindow: number | null;
}

export interface Transcript {
  /** Of the last fact folded. */
  readonly lastSeq: number;
  readonly kind: SessionKind | null;
  readonly title: string;
  readonly status: SessionStatus;
  /** Why the session failed. */
  readonly error: ErrorBody | null;
  /** Top level, in the order in which they began. */
  readonly items: readonly TranscriptItem[];
  readonly turn: TurnView | null;
  /** The last turn was interrupted and neither resumed nor discarded. */
  readonly interrupted: { readonly turnId: string; readonly reason: string; readonly tool: string | null } | null;
  readonly queue: readonly QueuedMessage[];
  readonly usage: UsageTotals;
  readonly provider: string | null;
  readonly mode: AgentMode | null;
  readonly model: string | null;
  readonly conversationId: string | null;
  readonly driver: Actor | null;
  /** Process number of the session's process; a terminal has one for life. */
  readonly generation: number | null;
  readonly terminal: { readonly cols: number | null; readonly rows: number | null; readonly exit: Exit | null };
  readonly previews: ReadonlyMap<string, PreviewBlock>;
  /** Keys of approvals that wait for a person. */
  readonly pendingApprovals: readonly string[];
  readonly fold: FoldState;
}

/** Of the fold alone; not to be drawn. */
export interface FoldState {
  /** Where each key is. Only grows and is shared by all versions: a hint, checked against the version it is used on. */
  readonly places: Map<string, Place>;
  readonly runningTools: readonly string[];
  /** Messages of the queue as they were sent. */
  readonly waiting: readonly { readonly messageId: string; readonly at: string; readonly actor: Actor | null }[];
  readonly usageOfTurn: { readonly turnId: string; readonly data: FactData<'usage'> } | null;
}

export interface Place {
  readonly index: number;
  /** Key of the tool call it is inside of. */
  readonly parent: string | null;
}

export function newTranscript(): Transcript {
  return {
    lastSeq: 0,
    kind: null,
    title: '',
    status: 'creating',
    error: null,
    items: [],
    turn: null,
    interrupted: null,
    queue: [],
    usage: { inputTokens: 0, outputTokens: 0, costUsd: 0, turns: 0, contextTokens: null, contextWindow: null },
    provider: null,
    mode: null,
    model: null,
    conversationId: null,
    driver: null,
    generation: null,
    terminal: { cols: null, rows: null, exit: null },
    previews: new Map(),
    pendingApprovals: [],
    fold: { places: new Map(), runningTools: [], waiting: [], usageOfTurn: null },
  };
}

/** The item with this key, at any depth. */
export function itemOf(transcript: Pick<Transcript, 'items' | 'fold'>, key: string): TranscriptItem | undefined {
  const place = transcript.fold.places.get(key);
  if (place === undefined) return undefined;
  if (place.parent === null) return transcript.items[indexOf(transcript, key, place)];
  const parent = itemOf(transcript, place.parent);
  return parent?.type === 'tool' ? parent.children.find((child) => child.key === key) : undefined;
}

/** places is shared with versions that went another way: where it does not fit this one, look. */
export function indexOf(transcript: Pick<Transcript, 'items'>, key: string, place: Place): number {
  if (transcript.items[place.index]?.key === key) return place.index;
  return transcript.items.findIndex((item) => item.key === key);
}
