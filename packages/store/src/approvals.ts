import type { Approval, ApprovalStatus } from '@holdfast/protocol/approval.ts';
import type { Build } from './engine.ts';
import { all, first, run } from './steps.ts';
import type { Steps } from './steps.ts';

/** An id that another session has used is left to that one: nobody's question is replaced by a stranger's. */
export function* putApproval(build: Build, approval: Approval): Steps<void> {
  const columns = {
    session_id: approval.sessionId,
    status: approval.status,
    requested_at: approval.requestedAt,
    approval: JSON.stringify(approval),
  };
  yield* run(
    build
      .insertInto('approvals')
      .values({ id: approval.id, ...columns })
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet(columns).where('approvals.session_id', '=', approval.sessionId),
      ),
  );
}

export function* selectApproval(build: Build, id: string): Steps<Approval | null> {
  const record = yield* first(build.selectFrom('approvals').select('approval').where('id', '=', id));
  return record && (JSON.parse(record.approval) as Approval);
}

export function* selectApprovals(
  build: Build,
  query: { status?: ApprovalStatus; ownerId?: string; limit: number },
): Steps<Approval[]> {
  let select = build
    .selectFrom('approvals')
    .innerJoin('sessions', 'sessions.id', 'approvals.session_id')
    .select('approvals.approval')
    .orderBy('approvals.requested_at')
    .orderBy('approvals.id')
    .limit(query.limit);
  if (query.status !== undefined) select = select.where('approvals.status', '=', query.status);
  if (query.ownerId !== undefined) select = select.where('sessions.owner_id', '=', query.ownerId);
  return (yield* all(select)).map((record) => JSON.parse(record.approval) as Approval);
}
