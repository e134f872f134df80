/** Sessions under their workspaces, as rail and lists show them. */
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import type { Workspace } from '@holdfast/protocol/workspace.ts';

export interface WorkspaceGroup {
  readonly workspace: Workspace;
  readonly sessions: readonly SessionDescriptor[];
}

/** Workspaces by their newest activity; pinned sessions first; archived ones left out. Sessions come newest first. */
export function groupByWorkspace(
  workspaces: readonly Workspace[],
  sessions: readonly SessionDescriptor[],
): WorkspaceGroup[] {
  const visible = sessions.filter((session) => !session.archived);
  const groups = workspaces.map((workspace) => {
    const own = visible.filter((session) => session.workspaceId === workspace.id);
    return { workspace, sessions: [...own.filter((s) => s.pinned), ...own.filter((s) => !s.pinned)] };
  });
  const newest = (group: WorkspaceGroup): string =>
    group.sessions.reduce(
      (latest, s) => (s.lastActivityAt > latest ? s.lastActivityAt : latest),
      group.workspace.createdAt,
    );
  return groups.sort((a, b) => (newest(a) < newest(b) ? 1 : -1));
}
