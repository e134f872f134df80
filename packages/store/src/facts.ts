import type { Fact } from '@holdfast/protocol/fact.ts';
import { sql } from 'kysely';
import type { Insertable } from 'kysely';
import type { Build } from './engine.ts';
import { prepared } from './prepared.ts';
import type { Schema } from './schema.ts';
import { all, run } from './steps.ts';
import type { Steps } from './steps.ts';
import type { FactPage, FactTail } from './store.ts';

const newFact = prepared<Insertable<Schema['facts']>, unknown>((build, place) =>
  build.insertInto('facts').values({
    session_id: place('session_id'),
    seq: place('seq'),
    at: place('at'),
    type: place('type'),
    actor: place('actor'),
    data: place('data'),
  }),
);

export function* insertFacts(build: Build, sessionId: string, facts: readonly Fact[]): Steps<void> {
  for (const { seq, at, type, actor, data } of facts) {
    yield* run(
      newFact(build, {
        session_id: sessionId,
        seq,
        at,
        type,
        actor: actor ? JSON.stringify(actor) : null,
        data: JSON.stringify(data),
      }),
    );
  }
}

interface PageRecord {
  last_seq: number;
  oldest_seq: number;
  seq: number | null;
  at: string | null;
  type: string | null;
  actor: string | null;
  data: string | null;
}

/** A row without a fact comes from a session that has none in this range. */
function toPage(records: readonly PageRecord[]): FactPage | null {
  const [head] = records;
  if (!head) return null;
  const facts: Fact[] = [];
  for (const { seq, at, type, actor, data } of records) {
    if (seq === null || data === null) continue;
    const named = actor === null ? {} : { actor: JSON.parse(actor) as unknown };
    facts.push({ seq, at, type, ...named, data: JSON.parse(data) as unknown } as Fact);
  }
  return { facts, lastSeq: head.last_seq, oldestSeq: head.oldest_seq };
}

/** Session and facts in one statement, so that both are of one moment. */
const pageOf = (build: Build, sessionId: string, range: { after: number } | { before: number }) =>
  build
    .selectFrom('sessions')
    .leftJoin('facts', (join) => {
      const same = join.onRef('facts.session_id', '=', 'sessions.id');
      return 'after' in range ? same.on('facts.seq', '>', range.after) : same.on('facts.seq', '<', range.before);
    })
    .where('sessions.id', '=', sessionId)
    .select([
      'sessions.last_seq',
      'sessions.oldest_seq',
      'facts.seq',
      'facts.at',
      'facts.type',
      'facts.actor',
      'facts.data',
    ]);

export function* selectFactsAfter(build: Build, id: string, after: number, limit: number): Steps<FactPage | null> {
  return toPage(yield* all(pageOf(build, id, { after }).orderBy('facts.seq').limit(limit)));
}

export function* selectFactsBefore(build: Build, id: string, before: number, limit: number): Steps<FactPage | null> {
  const newestFirst = yield* all(pageOf(build, id, { before }).orderBy('facts.seq', 'desc').limit(limit));
  return toPage(newestFirst.toReversed());
}

/** The state comes with one row only, of which there is always one: it may be large. */
const stateOnce = sql<string | null>`case when facts.seq is null or facts.seq = sessions.last_seq then state end`;

export function* selectFactsTail(build: Build, id: string, limit: number): Steps<FactTail | null> {
  const newestFirst = yield* all(
    pageOf(build, id, { before: Number.MAX_SAFE_INTEGER })
      .select(stateOnce.as('state'))
      .orderBy('facts.seq', 'desc')
      .limit(limit),
  );
  const page = toPage(newestFirst.toReversed());
  return page && { ...page, state: JSON.parse(newestFirst[0]?.state ?? 'null') as unknown };
}
