/**
 * What a page draws of a session: a fold over its log (fold.ts), so the same facts always give the same transcript, in
 * whatever portions they came. An item that did not change is the same object as before, and its key never changes.
 * Previews and the outbox are laid over it (preview.ts, overlay.ts); nothing else is ever shown.
 */
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { QueuedMessage } from '@holdfast/protocol/fact.ts';
import type { Driver } from '@holdfast/protocol/presence.ts';
import type { AgentMode, Exit, OpenTurn, SessionKind, SessionStatus } from '@holdfast/protocol/session.ts';
import type { SessionState, UsageTotals } from '@holdfast/protocol/session-state.ts';
import { noUsage } from '../session/state.ts';
import { statusOf } from '../session/status.ts';
import type { PreviewBlock } from './preview.ts';
import { type TranscriptItem, itemKey } from './transcript-item.ts';

export interface Transcript extends StateView {
  readonly sessionId: string;
  /** Of the last fact folded. */
  readonly lastSeq: number;
  /** Top level, in the order in which they began. */
  readonly items: readonly TranscriptItem[];
  readonly previews: ReadonlyMap<string, PreviewBlock>;
  readonly fold: FoldState;
}

/** What the session's state says, in the words of a page. */
export interface StateView {
  readonly kind: SessionKind | null;
  readonly title: string;
  readonly status: SessionStatus;
  /** Why the session failed. */
  readonly error: ErrorBody | null;
  /** It was told to end: nothing begins in it any more. */
  readonly stopping: boolean;
  readonly turn: OpenTurn | null;
  /** The last turn was interrupted and neither resumed nor discarded. */
  readonly interrupted: {
    readonly turnId: string;
    readonly reason: string | null;
    readonly tool: string | null;
  } | null;
  readonly queue: readonly QueuedMessage[];
  readonly usage: UsageTotals;
  readonly provider: string | null;
  readonly mode: AgentMode | null;
  readonly model: string | null;
  readonly conversationId: string | null;
  readonly driver: Driver | null;
  /** Process number of the session's process, 0 before the first; a terminal has one for life. */
  readonly generation: number;
  readonly terminal: { readonly cols: number; readonly rows: number; readonly exit: Exit | null } | null;
  /** Keys of approvals that wait for a person. */
  readonly pendingApprovals: readonly string[];
}

/** Of the fold alone; not to be drawn. */
export interface FoldState {
  /** After the last fact; null: nothing has been folded. */
  readonly state: SessionState | null;
  /** Where each key is. Only grows and is shared by all versions: a hint, checked against the version it is used on. */
  readonly places: Map<string, Place>;
  readonly runningTools: readonly string[];
}

export interface Place {
  readonly index: number;
  /** Key of the tool call it is inside of. */
  readonly parent: string | null;
}

export function newTranscript(sessionId: string): Transcript {
  return {
    ...viewOf(null),
    sessionId,
    lastSeq: 0,
    items: [],
    previews: new Map(),
    fold: { state: null, places: new Map(), runningTools: [] },
  };
}

/** state: null before the first fact. */
export function viewOf(state: SessionState | null): StateView {
  const agent = state?.agent ?? null;
  const interrupted = agent?.interruptedTurnId ?? null;
  return {
    kind: state?.kind ?? null,
    title: state?.title ?? '',
    status: state === null ? 'creating' : statusOf(state),
    error: state?.error ?? null,
    stopping: state?.stopping ?? false,
    turn: agent?.turn ?? null,
    interrupted:
      interrupted === null
        ? null
        : { turnId: interrupted, reason: agent?.interruption?.reason ?? null, tool: agent?.interruption?.tool ?? null },
    queue: agent?.queue ?? [],
    usage: agent?.usage ?? noUsage,
    provider: agent?.provider ?? null,
    mode: agent?.mode ?? null,
    model: agent?.model ?? null,
    conversationId: agent?.conversationId ?? null,
    driver: state?.driver ?? null,
    generation: state?.generation ?? 0,
    terminal: state?.terminal ?? null,
    pendingApprovals: Object.values(agent?.approvals ?? {})
      .filter((approval) => approval.status === 'pending')
      .map((approval) => itemKey.approval(approval.id)),
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
