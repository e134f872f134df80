/** How much of an owner's sessions is in use, as the limits count it. */
import type { SessionStatus } from '@holdfast/protocol/session.ts';
import { sql } from 'kysely';
import type { Build } from './engine.ts';
import { prepared } from './prepared.ts';
import { first } from './steps.ts';
import type { Steps } from './steps.ts';
import type { Use } from './store.ts';

/** Named one by one, so that the index finds them among all that have ended. */
const openStatuses: readonly SessionStatus[] = ['creating', 'active', 'waiting', 'interrupted'];
const count = sql<number>`count(*)`.as('count');

export function* selectUse(build: Build, ownerId: string): Steps<Use> {
  return {
    openSessions: yield* countOpenSessions(build, ownerId),
    runningAgents: yield* countRunningAgents(build, ownerId),
  };
}

/** Not ended; agents' only while they are not archived. */
function* countOpenSessions(build: Build, ownerId: string): Steps<number> {
  const record = yield* first(
    build
      .selectFrom('sessions')
      .select(count)
      .where('owner_id', '=', ownerId)
      .where('turn_open', 'in', [0, 1])
      .where('status', 'in', openStatuses)
      .where((where) => where.or([where('kind', '=', 'terminal'), where('archived', '=', 0)])),
  );
  return record?.count ?? 0;
}

const runningAgentsOf = prepared<{ ownerId: string }, { count: number }>((build, place) =>
  build.selectFrom('sessions').select(count).where('owner_id', '=', place('ownerId')).where('turn_open', '=', 1),
);

/** With a turn under way. */
export function* countRunningAgents(build: Build, ownerId: string): Steps<number> {
  const record = yield* first(runningAgentsOf(build, { ownerId }));
  return record?.count ?? 0;
}
