/** What is kept for how long. Pure; asked again inside the transaction that removes. */
import type { RetentionPreview } from '@holdfast/protocol/retention.ts';
import type { SessionKind, SessionStatus } from '@holdfast/protocol/session.ts';
import { kinds } from '../session/kinds.ts';

export interface RetentionPolicy {
  /** ISO 8601: what happened before may go. */
  readonly before: string;
  /** Facts of a session that stay, however old. */
  readonly keepFacts: number;
}

/** What of a session the decision needs; the store's row fits. */
export interface KeptSession {
  readonly kind: SessionKind;
  readonly status: SessionStatus;
  /** An agent's turn is under way. */
  readonly turnOpen: boolean;
  readonly pinned: boolean;
  readonly archived: boolean;
  /** ISO 8601. */
  readonly lastActivityAt: string;
  readonly lastSeq: number;
  readonly oldestSeq: number;
}

/** delete: all of it. trim: what is old, from the front. keep: nothing goes. */
export type Verdict = 'delete' | 'trim' | 'keep';

export type RetentionReason = RetentionPreview['sessions'][number]['reason'];

const keptFacts = 1_000;
const dayMs = 86_400_000;
/** A repeated command is known for at least this long: devices that were away come back with what they kept. */
const receiptDays = 7;

/** null: everything is kept for ever. now: ISO 8601. */
export function policyAt(now: string, retentionDays: number): RetentionPolicy | null {
  return retentionDays === 0 ? null : { before: daysBefore(now, retentionDays), keepFacts: keptFacts };
}

/** Receipts older than this may go. */
export function receiptsBefore(now: string, retentionDays: number): string {
  return daysBefore(now, Math.max(retentionDays, receiptDays));
}

export function verdictOn(session: KeptSession, policy: RetentionPolicy): Verdict {
  if (session.pinned || isBusy(session)) return 'keep';
  const old = session.lastActivityAt < policy.before;
  const over = session.status === 'ended' || session.status === 'failed';
  // An agent that is idle is a conversation one may come back to: only a person puts it away.
  if (old && (over || session.archived)) return 'delete';
  return session.lastSeq - session.oldestSeq + 1 > policy.keepFacts ? 'trim' : 'keep';
}

/** Why `verdictOn` said so. */
export function reasonOf(session: KeptSession, verdict: Exclude<Verdict, 'keep'>): RetentionReason {
  if (verdict === 'trim') return 'long';
  return session.status === 'ended' || session.status === 'failed' ? session.status : 'archived';
}

/**
 * The session's new oldest seq: its front is cut off as far as it is old, in one piece. front: its oldest facts, or
 * some of them, ascending from oldestSeq.
 */
export function cutOf(
  session: KeptSession,
  front: readonly { readonly seq: number; readonly at: string }[],
  policy: RetentionPolicy,
): number {
  if (verdictOn(session, policy) !== 'trim') return session.oldestSeq;
  const most = session.lastSeq - policy.keepFacts;
  let oldest = session.oldestSeq;
  for (const { seq, at } of front) {
    if (seq !== oldest || seq > most || at >= policy.before) break;
    oldest = seq + 1;
  }
  return oldest;
}

/** Something runs in it, or waits for a person. */
function isBusy({ kind, status, turnOpen }: KeptSession): boolean {
  if (turnOpen || status === 'creating' || status === 'waiting') return true;
  return kinds[kind].worksWhileAlive && status === 'active';
}

function daysBefore(now: string, days: number): string {
  return new Date(Date.parse(now) - days * dayMs).toISOString();
}
