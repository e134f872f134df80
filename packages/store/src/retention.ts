/** What retention looks at before it decides. */
import { sql } from 'kysely';
import type { Build } from './engine.ts';
import { toSession } from './sessions.ts';
import { all, first } from './steps.ts';
import type { Steps } from './steps.ts';
import type { RetentionCandidate, RetentionPlace, RetentionQuery } from './store.ts';

/** Facts of a session that are weighed. */
const sample = 20;

export function* selectRetentionCandidates(
  build: Build,
  query: RetentionQuery,
): Steps<{ candidates: RetentionCandidate[]; next: RetentionPlace | null }> {
  const { before, ownerId, after, limit } = query;
  let select = build
    .selectFrom('sessions')
    .selectAll()
    .where((where) =>
      where.or([
        where('last_activity_at', '<', before),
        // Written to since, but begun before: its front may be old.
        where('created_at', '<', before),
      ]),
    )
    .orderBy('last_activity_at')
    .orderBy('id')
    .limit(limit);
  if (ownerId !== undefined) select = select.where('owner_id', '=', ownerId);
  if (after !== null) {
    select = select.where(sql<boolean>`(last_activity_at, id) > (${after.lastActivityAt}, ${after.id})`);
  }
  const records = yield* all(select);
  const candidates: RetentionCandidate[] = [];
  for (const record of records) {
    const { state: _state, ...session } = toSession({ ...record, state: 'null' });
    candidates.push({ ...session, factBytes: yield* typicalFactBytes(build, record.id) });
  }
  const last = candidates.at(-1);
  const next = last && records.length === limit ? { lastActivityAt: last.lastActivityAt, id: last.id } : null;
  return { candidates, next };
}

function* typicalFactBytes(build: Build, sessionId: string): Steps<number> {
  const some = build.selectFrom('facts').select('data').where('session_id', '=', sessionId).limit(sample).as('some');
  const record = yield* first(build.selectFrom(some).select(sql<number | null>`avg(length(data))`.as('bytes')));
  // Each row has its key, time, type and actor besides.
  return Math.round((record?.bytes ?? 0) + 100);
}

/** Bisects: the times of a log grow unless a clock was set back. */
export function* countFactsOlderThan(build: Build, sessionId: string, before: string): Steps<number> {
  const session = yield* first(
    build.selectFrom('sessions').select(['oldest_seq', 'last_seq']).where('id', '=', sessionId),
  );
  if (!session) return 0;
  let low = session.oldest_seq;
  let high = session.last_seq + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const fact = yield* first(
      build.selectFrom('facts').select('at').where('session_id', '=', sessionId).where('seq', '=', middle),
    );
    if (fact && fact.at < before) low = middle + 1;
    else high = middle;
  }
  return low - session.oldest_seq;
}
