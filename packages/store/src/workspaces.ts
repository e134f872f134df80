import { fail, ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { Workspace } from '@holdfast/protocol/workspace.ts';
import type { Build } from './engine.ts';
import type { WorkspaceRecord } from './schema.ts';
import { closedStatuses } from './sessions.ts';
import { all, first, run } from './steps.ts';
import type { Steps } from './steps.ts';

const toWorkspace = (record: WorkspaceRecord): Workspace => ({
  id: record.id,
  name: record.name,
  path: record.path,
  runnerId: record.runner_id,
  ownerId: record.owner_id,
  createdAt: record.created_at,
});

export function* insertWorkspace(build: Build, workspace: Workspace): Steps<Result<Workspace>> {
  const record: WorkspaceRecord = {
    id: workspace.id,
    name: workspace.name,
    path: workspace.path,
    runner_id: workspace.runnerId,
    owner_id: workspace.ownerId,
    created_at: workspace.createdAt,
  };
  const inserted = yield* first(
    build
      .insertInto('workspaces')
      .values(record)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('id'),
  );
  return inserted ? ok(workspace) : fail('conflict', 'A workspace with this id exists already.');
}

export function* selectWorkspace(build: Build, id: string): Steps<Workspace | null> {
  const record = yield* first(build.selectFrom('workspaces').selectAll().where('id', '=', id));
  return record && toWorkspace(record);
}

export function* selectWorkspaces(build: Build, ownerId?: string): Steps<Workspace[]> {
  let query = build.selectFrom('workspaces').selectAll().orderBy('created_at').orderBy('id');
  if (ownerId !== undefined) query = query.where('owner_id', '=', ownerId);
  return (yield* all(query)).map(toWorkspace);
}

export function* updateWorkspaceName(build: Build, id: string, name: string): Steps<Workspace | null> {
  const record = yield* first(build.updateTable('workspaces').set({ name }).where('id', '=', id).returningAll());
  return record && toWorkspace(record);
}

export function* removeWorkspace(build: Build, id: string): Steps<Result<null>> {
  const open = yield* first(
    build
      .selectFrom('sessions')
      .select('id')
      .where('workspace_id', '=', id)
      .where('status', 'not in', closedStatuses)
      .limit(1),
  );
  if (open) return fail('conflict', 'Sessions of this workspace have not ended.', { details: { sessionId: open.id } });
  const deleted = yield* first(build.deleteFrom('workspaces').where('id', '=', id).returning('id'));
  if (!deleted) return fail('not_found', 'No such workspace.');
  yield* run(build.deleteFrom('approval_rules').where('workspace_id', '=', id));
  return ok(null);
}
