/**
 * What the server keeps, and the only way it is written. Every write of a session goes through one of four calls that
 * run a pure decision inside one transaction with the session's row locked: facts and all that follows from them land
 * together or not at all. Implementations: sqlite/ (embedded); the contract suite is test/contract.ts.
 * Calls that answer no Result throw StoreUnavailable while the database cannot answer.
 */
import type { Approval, ApprovalRule, ApprovalStatus } from '@holdfast/protocol/approval.ts';
import type { Receipt } from '@holdfast/protocol/command.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { Fact, FactDraft } from '@holdfast/protocol/fact.ts';
import type { Instruction } from '@holdfast/protocol/runner.ts';
import type { KeptScreen } from '@holdfast/protocol/screen.ts';
import type { SessionKind, SessionStatus } from '@holdfast/protocol/session.ts';
import type { Workspace } from '@holdfast/protocol/workspace.ts';

export interface SessionRow {
  readonly id: string;
  readonly kind: SessionKind;
  readonly workspaceId: string;
  readonly ownerId: string;
  readonly runnerId: string;
  readonly title: string;
  readonly status: SessionStatus;
  readonly createdAt: string;
  readonly lastActivityAt: string;
  /** 0: no fact yet. Grows by exactly 1 per fact. */
  readonly lastSeq: number;
  /** The oldest fact still kept; 1 until retention removes some. */
  readonly oldestSeq: number;
  readonly pinned: boolean;
  readonly archived: boolean;
  /** An agent's turn is under way, as the last change said. */
  readonly turnOpen: boolean;
  /** The session's folded state, as core made it; JSON. The store does not look inside. */
  readonly state: unknown;
}

/** A decision's whole effect. */
export interface Change {
  readonly facts: readonly FactDraft[];
  /** The row's fields after the facts. */
  readonly title: string;
  readonly status: SessionStatus;
  readonly state: unknown;
  /** Whole rows, inserted or replaced by id. */
  readonly approvals: readonly Approval[];
  /** Whole rows of the session's owner, inserted or replaced by id. Default: none. */
  readonly rules?: readonly ApprovalRule[];
  /** For the session's runner, in this order. */
  readonly instructions: readonly Instruction[];
  /** An agent's turn is under way after the facts. Default: no. */
  readonly turnOpen?: boolean;
  /** The last screen of a terminal; replaces an earlier one. */
  readonly screen?: KeptScreen;
}

export type Decide = (session: SessionRow) => Result<Change>;
/** rules: the owner's that have not expired, read inside the transaction. */
export type DecideWithRules = (session: SessionRow, rules: readonly ApprovalRule[]) => Result<Change>;

/** What the session's owner has in use, counted inside the transaction and without the session that is being made. */
export interface Use {
  /** Not ended; agents' only while they are not archived. */
  readonly openSessions: number;
  /** Sessions with a turn under way, the one being written included. */
  readonly runningAgents: number;
}
export type DecideWithUse<K extends keyof Use> = (session: SessionRow, use: Pick<Use, K>) => Result<Change>;
export type DecideCommand = (
  session: SessionRow,
  use: Pick<Use, 'runningAgents'>,
  rules: readonly ApprovalRule[],
) => Result<Change>;

export interface Written {
  /** The new facts with their places in the log; empty on a repeat. */
  readonly facts: readonly Fact[];
  readonly deliveries: readonly Delivery[];
  /** The row after the write. */
  readonly session: SessionRow;
}

export interface Delivery {
  /** Grows over all sessions; the order in which a session's instructions are carried out. */
  readonly id: number;
  readonly runnerId: string;
  readonly sessionId: string;
  readonly instruction: Instruction;
}

export interface NewSession {
  readonly id: string;
  readonly kind: SessionKind;
  readonly workspaceId: string;
  readonly ownerId: string;
  readonly runnerId: string;
  readonly at: string;
}

/** Names a wish. The same id with another fingerprint is refused as command_id_reused. */
export interface CommandKey {
  readonly commandId: string;
  /** Of the body, see core's fingerprint. */
  readonly fingerprint: string;
}

export interface SessionQuery {
  /** Only this owner's; undefined: everybody's. */
  readonly ownerId?: string;
  readonly status?: SessionStatus;
  readonly workspaceId?: string;
  /** Case-insensitive part of the title. */
  readonly titlePart?: string;
  /** From an earlier answer; opaque. */
  readonly cursor?: string;
  readonly limit: number;
}

export interface FactPage {
  /** Ascending by seq. */
  readonly facts: readonly Fact[];
  readonly lastSeq: number;
  readonly oldestSeq: number;
}

export interface FactTail extends FactPage {
  /** The row's state of the same moment: what the facts up to lastSeq made of it. */
  readonly state: unknown;
}

/** Where a page of candidates ended. */
export interface RetentionPlace {
  readonly lastActivityAt: string;
  readonly id: string;
}

export interface RetentionQuery {
  readonly before: string;
  /** Only this owner's; undefined: everybody's. */
  readonly ownerId?: string;
  readonly after: RetentionPlace | null;
  readonly limit: number;
}

export interface RetentionCandidate extends Omit<SessionRow, 'state'> {
  /** Bytes of a typical fact of its log, from a sample. */
  readonly factBytes: number;
}

/** The seq that is to be the oldest; at or below session.oldestSeq: nothing goes. front: ascending from oldestSeq. */
export type Cut = (session: SessionRow, front: readonly { readonly seq: number; readonly at: string }[]) => number;

export interface Store {
  createWorkspace(workspace: Workspace): Promise<Result<Workspace>>;
  workspace(id: string): Promise<Workspace | null>;
  /** Oldest first. */
  workspaces(ownerId?: string): Promise<Workspace[]>;
  renameWorkspace(id: string, name: string): Promise<Workspace | null>;
  /** conflict while sessions that have not ended use it. The folder is not touched. */
  deleteWorkspace(id: string): Promise<Result<null>>;

  /**
   * Inserts the row (seq 0, status creating, empty title, state null) and applies decide's change, in one transaction.
   * With `key` (an Idempotency-Key, scoped to the owner) a repeat answers the session made the first time.
   */
  createSession(
    session: NewSession,
    key: CommandKey | null,
    decide: DecideWithUse<'openSessions' | 'runningAgents'>,
  ): Promise<Result<Written & { repeated: boolean }>>;
  session(id: string): Promise<SessionRow | null>;
  /** Newest activity first. */
  sessions(query: SessionQuery): Promise<Result<{ sessions: SessionRow[]; nextCursor?: string }>>;
  /** What the owner has in use now. */
  use(ownerId: string): Promise<Use>;
  /** Ids of this owner's archived sessions, the longest untouched first. */
  archivedSessions(ownerId: string): Promise<string[]>;
  /** Every session of the runner that is neither ended nor failed. */
  openSessions(runnerId: string): Promise<SessionRow[]>;
  flagSession(id: string, flags: { pinned?: boolean; archived?: boolean }): Promise<SessionRow | null>;
  /**
   * The row and all that belongs to it, in steps of at most 500 rows between which others are served: a long log goes
   * from its front, the row last. While `allowed` says no (asked again in each step) nothing more goes: false.
   */
  deleteSession(id: string, allowed?: (session: SessionRow) => boolean): Promise<boolean>;

  /** Sessions whose last activity, or whose oldest fact, was before `before`; oldest activity first, without their state. */
  retentionCandidates(
    query: RetentionQuery,
  ): Promise<{ candidates: RetentionCandidate[]; next: RetentionPlace | null }>;
  /**
   * Cuts the front off a session's log, in steps like deleteSession, and with it finished approvals requested before
   * what is left. `cut` is asked in each step, with the oldest facts, for the seq that is to be the oldest.
   */
  trimFacts(id: string, cut: Cut): Promise<{ removed: number; session: SessionRow | null }>;
  /** Facts of the session stored before `before`: exact as long as their times grow, in a few looks. */
  factsOlderThan(id: string, before: string): Promise<number>;
  /** Forgets commands and Idempotency-Keys first seen before `before`, in steps like deleteSession. */
  pruneReceipts(before: string): Promise<number>;

  /** A person's command: receipt and effect in one transaction. A repeat answers the first receipt and writes nothing. */
  command(
    sessionId: string,
    key: CommandKey,
    at: string,
    decide: DecideCommand,
  ): Promise<Result<Written & { receipt: Receipt; repeated: boolean }>>;
  /**
   * A runner's report: stored only if `position` is beyond the last stored one of (session, source). asks: the decision
   * needs the owner's rules; without it they are not read, and none are given.
   */
  report(
    sessionId: string,
    origin: { readonly source: string; readonly position: number; readonly asks?: boolean },
    at: string,
    decide: DecideWithRules,
  ): Promise<Result<Written & { repeated: boolean }>>;
  /** The server's own finding (reconciliation). A change without facts, approvals and instructions writes nothing. */
  change(sessionId: string, at: string, decide: Decide): Promise<Result<Written>>;

  /** Facts with seq > after, oldest first, at most `limit`; lastSeq and oldestSeq from the same moment. */
  factsAfter(sessionId: string, after: number, limit: number): Promise<FactPage | null>;
  /** The newest `limit` facts with seq < before. */
  factsBefore(sessionId: string, before: number, limit: number): Promise<FactPage | null>;
  /** The newest `limit` facts, and the state after the last of them. */
  factsTail(sessionId: string, limit: number): Promise<FactTail | null>;

  /** Not yet done, ascending by id, ids > after. */
  deliveries(runnerId: string, after: number, limit: number): Promise<Delivery[]>;
  finishDelivery(id: number): Promise<void>;

  approval(id: string): Promise<Approval | null>;
  /** Oldest request first; ownerId: only of this owner's sessions. */
  approvals(query: { status?: ApprovalStatus; ownerId?: string; limit: number }): Promise<Approval[]>;
  /** Not expired at `at`; newest first. */
  approvalRules(ownerId: string, at: string): Promise<ApprovalRule[]>;
  /** False: this owner has none with this id. It counts from the next decision on. */
  deleteApprovalRule(ownerId: string, id: string): Promise<boolean>;
  screen(sessionId: string): Promise<KeptScreen | null>;

  /** Resolves when the database answers. */
  check(): Promise<void>;
  close(): Promise<void>;
}
