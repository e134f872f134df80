import { ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import { sql } from 'kysely';
import { selectApproval, selectApprovals } from './approvals.ts';
import { removeDelivery, selectDeliveries } from './deliveries.ts';
import type { Engine } from './engine.ts';
import { selectFactsAfter, selectFactsBefore, selectFactsTail } from './facts.ts';
import { selectScreen } from './screens.ts';
import { inSteps, removeReceipts, removeSession, trimSession } from './removal.ts';
import { countFactsOlderThan, selectRetentionCandidates } from './retention.ts';
import { removeRule, selectRules } from './rules.ts';
import {
  selectArchivedSessions,
  selectOpenSessions,
  selectSession,
  selectSessionPage,
  updateFlags,
} from './sessions.ts';
import { run } from './steps.ts';
import type { Steps } from './steps.ts';
import type { Store } from './store.ts';
import { StoreUnavailable } from './unavailable.ts';
import { selectUse } from './use.ts';
import {
  insertWorkspace,
  removeWorkspace,
  selectWorkspace,
  selectWorkspaces,
  updateWorkspaceName,
} from './workspaces.ts';
import { change, command, createSession, report } from './write.ts';

/** A Store on any engine. It owns the engine: closing one closes the other. */
export function createStore(engine: Engine): Store {
  const { build } = engine;
  const caught = async <T>(steps: Steps<Result<T>>): Promise<Result<T>> => {
    try {
      return await engine.read(steps);
    } catch (error) {
      if (error instanceof StoreUnavailable) return { ok: false, error: error.error };
      throw error;
    }
  };
  const valueOf = <T>(result: Result<T>): T => {
    if (!result.ok) throw new StoreUnavailable(result.error);
    return result.value;
  };
  const writtenStep = <T>(steps: () => Steps<T>): Promise<Result<T>> =>
    engine.write(function* () {
      return ok(yield* steps());
    });
  /** For writes that cannot be refused, only fail. */
  const written = async <T>(steps: () => Steps<T>): Promise<T> => valueOf(await writtenStep(steps));
  const stepped = async <T>(step: () => Promise<Result<T>>, goesOn: (value: T) => boolean): Promise<T> =>
    valueOf(await inSteps(step, goesOn));
  return {
    createWorkspace: (workspace) => engine.write(() => insertWorkspace(build, workspace)),
    workspace: (id) => engine.read(selectWorkspace(build, id)),
    workspaces: (ownerId) => engine.read(selectWorkspaces(build, ownerId)),
    renameWorkspace: (id, name) => written(() => updateWorkspaceName(build, id, name)),
    deleteWorkspace: (id) => engine.write(() => removeWorkspace(build, id)),

    createSession: (session, key, decide) => engine.write(() => createSession(build, session, key, decide)),
    session: (id) => engine.read(selectSession(build, id)),
    sessions: (query) => caught(selectSessionPage(build, query)),
    use: (ownerId) => engine.read(selectUse(build, ownerId)),
    archivedSessions: (ownerId) => engine.read(selectArchivedSessions(build, ownerId)),
    openSessions: (runnerId) => engine.read(selectOpenSessions(build, runnerId)),
    flagSession: (id, flags) => written(() => updateFlags(build, id, flags)),
    deleteSession: async (id, allowed = () => true) => {
      const step = () => writtenStep(() => removeSession(build, id, allowed));
      return (await stepped(step, (removal) => removal === 'more')) === 'removed';
    },

    retentionCandidates: (query) => engine.read(selectRetentionCandidates(build, query)),
    trimFacts: async (id, cut) => {
      let removed = 0;
      const trimmed = await stepped(
        () => writtenStep(() => trimSession(build, id, cut)),
        (step) => {
          removed += step?.removed ?? 0;
          return (step?.removed ?? 0) > 0;
        },
      );
      return { removed, session: trimmed?.session ?? null };
    },
    factsOlderThan: (id, before) => engine.read(countFactsOlderThan(build, id, before)),
    pruneReceipts: async (before) => {
      let removed = 0;
      let after: Parameters<typeof removeReceipts>[2] = null;
      await stepped(
        () => writtenStep(() => removeReceipts(build, before, after)),
        (step) => {
          removed += step.removed;
          after = step.next;
          return after !== null;
        },
      );
      return removed;
    },

    command: (id, key, at, decide) => engine.write(() => command(build, id, key, at, decide)),
    report: (id, origin, at, decide) => engine.write(() => report(build, id, origin, at, decide)),
    change: (id, at, decide) => engine.write(() => change(build, id, at, decide)),

    factsAfter: (id, after, limit) => engine.read(selectFactsAfter(build, id, after, limit)),
    factsBefore: (id, before, limit) => engine.read(selectFactsBefore(build, id, before, limit)),
    factsTail: (id, limit) => engine.read(selectFactsTail(build, id, limit)),

    deliveries: (runnerId, after, limit) => engine.read(selectDeliveries(build, runnerId, after, limit)),
    finishDelivery: (id) => written(() => removeDelivery(build, id)),

    approval: (id) => engine.read(selectApproval(build, id)),
    approvals: (query) => engine.read(selectApprovals(build, query)),
    approvalRules: (ownerId, at) => engine.read(selectRules(build, ownerId, at)),
    deleteApprovalRule: (ownerId, id) => written(() => removeRule(build, ownerId, id)),
    screen: (id) => engine.read(selectScreen(build, id)),

    check: () =>
      engine.read(
        run(
          build
            .selectFrom('workspaces')
            .select(sql`1`.as('one'))
            .limit(1),
        ),
      ),
    close: () => engine.close(),
  };
}
