import type { ApprovalRule } from '@holdfast/protocol/approval.ts';
import type { Build } from './engine.ts';
import { prepared } from './prepared.ts';
import { all, first, run } from './steps.ts';
import type { Steps } from './steps.ts';

const rulesOf = prepared<{ ownerId: string; at: string }, { rule: string }>((build, place) =>
  build
    .selectFrom('approval_rules')
    .select('rule')
    .where('owner_id', '=', place('ownerId'))
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', place('at'))]))
    .orderBy('created_at', 'desc')
    .orderBy('id'),
);

/** Not expired at `at`; newest first. */
export function* selectRules(build: Build, ownerId: string, at: string): Steps<ApprovalRule[]> {
  const records = yield* all(rulesOf(build, { ownerId, at }));
  return records.map((record) => JSON.parse(record.rule) as ApprovalRule);
}

/** With it go the owner's rules that have expired at `at`. */
export function* putRule(build: Build, rule: ApprovalRule, at: string): Steps<void> {
  yield* run(build.deleteFrom('approval_rules').where('owner_id', '=', rule.ownerId).where('expires_at', '<=', at));
  const columns = {
    owner_id: rule.ownerId,
    workspace_id: rule.workspaceId,
    expires_at: rule.expiresAt,
    created_at: rule.createdAt,
    rule: JSON.stringify(rule),
  };
  yield* run(
    build
      .insertInto('approval_rules')
      .values({ id: rule.id, ...columns })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(columns)),
  );
}

/** False: there is none, or it is another's. */
export function* removeRule(build: Build, ownerId: string, id: string): Steps<boolean> {
  const removed = yield* first(
    build.deleteFrom('approval_rules').where('id', '=', id).where('owner_id', '=', ownerId).returning('id'),
  );
  return removed !== null;
}
