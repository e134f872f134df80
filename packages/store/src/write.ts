/** The four ways a session is written. Each is one transaction: it answers ok, or nothing of it stays. */
import type { Receipt } from '@holdfast/protocol/command.ts';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { putApproval } from './approvals.ts';
import { insertDeliveries, removeDeliveriesOf, removeDeliveriesOfTurns } from './deliveries.ts';
import type { Build } from './engine.ts';
import { insertFacts } from './facts.ts';
import { insertReceipt, putPosition, selectPosition, selectReceipt } from './receipts.ts';
import { putRule, selectRules } from './rules.ts';
import { putScreen } from './screens.ts';
import { insertSession, selectSession, updateSession } from './sessions.ts';
import type { Steps } from './steps.ts';
import type {
  Change,
  CommandKey,
  Decide,
  DecideCommand,
  DecideWithRules,
  DecideWithUse,
  Delivery,
  NewSession,
  SessionRow,
  Written,
} from './store.ts';
import { countRunningAgents, selectUse } from './use.ts';
import { selectWorkspace } from './workspaces.ts';

const noSuchSession = fail('not_found', 'No such session.');
const commandIdReused = fail('command_id_reused', 'This id was used before for something else: make a new one.');

const unchanged = (session: SessionRow): Written => ({ facts: [], deliveries: [], session });

/** The new facts with their places, and the row after them. */
function place(session: SessionRow, at: string, change: Change): { facts: Fact[]; row: SessionRow } {
  const facts = change.facts.map((draft, index): Fact => ({ seq: session.lastSeq + 1 + index, at, ...draft }));
  const { title, status, state, turnOpen = false } = change;
  const lastSeq = session.lastSeq + facts.length;
  return { facts, row: { ...session, title, status, state, turnOpen, lastSeq, lastActivityAt: at } };
}

/** Everything of a change but the session's row, which must be there. */
function* attach(build: Build, row: SessionRow, facts: readonly Fact[], change: Change): Steps<Delivery[]> {
  yield* insertFacts(build, row.id, facts);
  for (const approval of change.approvals) yield* putApproval(build, approval);
  for (const rule of change.rules ?? []) yield* putRule(build, rule, row.lastActivityAt);
  if (change.screen) yield* putScreen(build, row.id, change.screen);
  // What a session that is over was still to be told must not start anything again.
  if (row.status === 'ended' || row.status === 'failed') yield* removeDeliveriesOf(build, row.id);
  else yield* removeDeliveriesOfTurns(build, row.id, change.overTurns ?? []);
  return yield* insertDeliveries(build, row, change.instructions);
}

function* apply(build: Build, session: SessionRow, at: string, change: Change): Steps<Written> {
  const { facts, row } = place(session, at, change);
  yield* updateSession(build, session, row);
  const deliveries = yield* attach(build, row, facts, change);
  return { facts, deliveries, session: row };
}

export function* createSession(
  build: Build,
  session: NewSession,
  key: CommandKey | null,
  decide: DecideWithUse<'openSessions' | 'runningAgents'>,
): Steps<Result<Written & { repeated: boolean }>> {
  const scope = `owner:${session.ownerId}`;
  const receipt = key && (yield* selectReceipt(build, scope, key.commandId));
  if (key && receipt) {
    if (receipt.fingerprint !== key.fingerprint) return commandIdReused;
    const first = yield* selectSession(build, receipt.sessionId);
    if (!first) return fail('not_found', 'The session made by this request was deleted since.');
    return ok({ ...unchanged(first), repeated: true });
  }
  const workspace = yield* selectWorkspace(build, session.workspaceId);
  if (!workspace) return fail('not_found', 'No such workspace.');
  const { at, ...identity } = session;
  const blank: SessionRow = {
    ...identity,
    title: '',
    status: 'creating',
    createdAt: at,
    lastActivityAt: at,
    lastSeq: 0,
    oldestSeq: 1,
    pinned: false,
    archived: false,
    turnOpen: false,
    state: null,
  };
  const change = decide(blank, yield* selectUse(build, session.ownerId));
  if (!change.ok) return change;
  const { facts, row } = place(blank, at, change.value);
  if (!(yield* insertSession(build, row))) return fail('conflict', 'A session with this id exists already.');
  const deliveries = yield* attach(build, row, facts, change.value);
  if (key) yield* insertReceipt(build, scope, key, { sessionId: row.id, seq: row.lastSeq, at });
  return ok({ facts, deliveries, session: row, repeated: false });
}

export function* command(
  build: Build,
  sessionId: string,
  key: CommandKey,
  at: string,
  decide: DecideCommand,
): Steps<Result<Written & { receipt: Receipt; repeated: boolean }>> {
  const session = yield* selectSession(build, sessionId);
  if (!session) return noSuchSession;
  const receiptAt = (seq: number): Receipt => ({ commandId: key.commandId, status: 'stored', seq });
  const stored = yield* selectReceipt(build, sessionId, key.commandId);
  if (stored) {
    if (stored.fingerprint !== key.fingerprint) return commandIdReused;
    return ok({ ...unchanged(session), receipt: receiptAt(stored.seq), repeated: true });
  }
  const use = { runningAgents: yield* countRunningAgents(build, session.ownerId) };
  const change = decide(session, use, yield* selectRules(build, session.ownerId, at));
  if (!change.ok) return change;
  const written = yield* apply(build, session, at, change.value);
  const seq = written.session.lastSeq;
  yield* insertReceipt(build, sessionId, key, { sessionId, seq, at });
  return ok({ ...written, receipt: receiptAt(seq), repeated: false });
}

export function* report(
  build: Build,
  sessionId: string,
  origin: { readonly source: string; readonly position: number; readonly asks?: boolean },
  at: string,
  decide: DecideWithRules,
): Steps<Result<Written & { repeated: boolean }>> {
  const session = yield* selectSession(build, sessionId);
  if (!session) return noSuchSession;
  const stored = yield* selectPosition(build, sessionId, origin.source);
  if (stored !== null && origin.position <= stored) return ok({ ...unchanged(session), repeated: true });
  const change = decide(session, origin.asks === true ? yield* selectRules(build, session.ownerId, at) : []);
  if (!change.ok) return change;
  const written = yield* apply(build, session, at, change.value);
  yield* putPosition(build, sessionId, origin.source, origin.position);
  return ok({ ...written, repeated: false });
}

export function* change(build: Build, sessionId: string, at: string, decide: Decide): Steps<Result<Written>> {
  const session = yield* selectSession(build, sessionId);
  if (!session) return noSuchSession;
  const decided = decide(session);
  if (!decided.ok) return decided;
  const { facts, approvals, instructions, screen } = decided.value;
  const empty = facts.length === 0 && approvals.length === 0 && instructions.length === 0 && screen === undefined;
  return ok(empty ? unchanged(session) : yield* apply(build, session, at, decided.value));
}
