/** How things go: in steps, each a transaction of at most `rowsPerStep` rows, so that nobody waits long behind one. */
import type { Result } from '@holdfast/protocol/error.ts';
import { sql } from 'kysely';
import type { Build } from './engine.ts';
import { selectSession } from './sessions.ts';
import { all, first, run } from './steps.ts';
import type { Steps } from './steps.ts';
import type { Cut, SessionRow } from './store.ts';

const rowsPerStep = 500;

/** more: another step is needed. */
type Removal = 'removed' | 'more' | 'nothing';

export function* removeSession(build: Build, id: string, allowed: (session: SessionRow) => boolean): Steps<Removal> {
  const session = yield* selectSession(build, id);
  if (!session || !allowed(session)) return 'nothing';
  let left = rowsPerStep;
  left -= yield* removeFront(build, session, Math.min(session.oldestSeq + left, session.lastSeq + 1));
  for (const remove of [removeReceiptsOf, removeApprovalsOf, removeDeliveriesOf]) {
    if (left > 0) left -= yield* remove(build, id, left);
  }
  if (left <= 0) return 'more';
  // By foreign key: its screen, and one row for each process it had.
  yield* run(build.deleteFrom('sessions').where('id', '=', id));
  return 'removed';
}

/** Null: no such session. */
export function* trimSession(
  build: Build,
  id: string,
  cut: Cut,
): Steps<{ removed: number; session: SessionRow } | null> {
  const session = yield* selectSession(build, id);
  if (!session) return null;
  const front = yield* all(
    build.selectFrom('facts').select(['seq', 'at']).where('session_id', '=', id).orderBy('seq').limit(rowsPerStep),
  );
  const oldestSeq = Math.min(cut(session, front), session.oldestSeq + front.length);
  if (oldestSeq <= session.oldestSeq) return { removed: 0, session };
  const removed = yield* removeFront(build, session, oldestSeq);
  const lastAt = front.findLast((fact) => fact.seq < oldestSeq)?.at ?? '';
  yield* removeFinishedApprovals(build, id, lastAt);
  return { removed, session: { ...session, oldestSeq } };
}

interface ReceiptPlace {
  readonly scope: string;
  readonly commandId: string;
}

/** One stretch of the receipts in the order of their key; next: where the following one begins, null: that was the last. */
export function* removeReceipts(
  build: Build,
  before: string,
  after: ReceiptPlace | null,
): Steps<{ removed: number; next: ReceiptPlace | null }> {
  let select = build
    .selectFrom('receipts')
    .select(['scope', 'command_id as commandId', 'at'])
    .orderBy('scope')
    .orderBy('command_id')
    .limit(rowsPerStep);
  if (after !== null) select = select.where(sql<boolean>`(scope, command_id) > (${after.scope}, ${after.commandId})`);
  const records = yield* all(select);
  const head = records[0];
  const last = records.at(-1);
  if (!head || !last) return { removed: 0, next: null };
  const old = records.filter((record) => record.at < before).length;
  if (old > 0) {
    yield* run(
      build
        .deleteFrom('receipts')
        .where(sql<boolean>`(scope, command_id) >= (${head.scope}, ${head.commandId})`)
        .where(sql<boolean>`(scope, command_id) <= (${last.scope}, ${last.commandId})`)
        .where('at', '<', before),
    );
  }
  return { removed: old, next: records.length < rowsPerStep ? null : last };
}

/** Steps until one says that nothing is left; in between the event loop turns. */
export async function inSteps<T>(step: () => Promise<Result<T>>, goesOn: (value: T) => boolean): Promise<Result<T>> {
  for (;;) {
    const result = await step();
    if (!result.ok || !goesOn(result.value)) return result;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Facts below `oldestSeq` go, and the row says so. Answers how many. */
function* removeFront(build: Build, session: SessionRow, oldestSeq: number): Steps<number> {
  const count = oldestSeq - session.oldestSeq;
  if (count <= 0) return 0;
  yield* run(build.deleteFrom('facts').where('session_id', '=', session.id).where('seq', '<', oldestSeq));
  yield* run(build.updateTable('sessions').set({ oldest_seq: oldestSeq }).where('id', '=', session.id));
  return count;
}

type RemoveSome = (build: Build, sessionId: string, limit: number) => Steps<number>;

const removeReceiptsOf: RemoveSome = function* (build, sessionId, limit) {
  const some = build.selectFrom('receipts').select('command_id').where('scope', '=', sessionId).limit(limit);
  const gone = yield* all(
    build.deleteFrom('receipts').where('scope', '=', sessionId).where('command_id', 'in', some).returning('command_id'),
  );
  return gone.length;
};

const removeApprovalsOf: RemoveSome = function* (build, sessionId, limit) {
  const some = build.selectFrom('approvals').select('id').where('session_id', '=', sessionId).limit(limit);
  return (yield* all(build.deleteFrom('approvals').where('id', 'in', some).returning('id'))).length;
};

const removeDeliveriesOf: RemoveSome = function* (build, sessionId, limit) {
  const some = build.selectFrom('deliveries').select('id').where('session_id', '=', sessionId).limit(limit);
  return (yield* all(build.deleteFrom('deliveries').where('id', 'in', some).returning('id'))).length;
};

function* removeFinishedApprovals(build: Build, sessionId: string, until: string): Steps<void> {
  const some = build
    .selectFrom('approvals')
    .select('id')
    .where('session_id', '=', sessionId)
    .where('status', 'in', ['applied', 'expired'])
    .where('requested_at', '<=', until)
    .limit(rowsPerStep);
  yield* first(build.deleteFrom('approvals').where('id', 'in', some).returning('id'));
}
