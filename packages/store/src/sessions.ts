import { fail, ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { SessionKind, SessionStatus } from '@holdfast/protocol/session.ts';
import { sql } from 'kysely';
import { type ListPlace, decodeCursor, encodeCursor } from './cursor.ts';
import type { Build } from './engine.ts';
import type { Flag, SessionRecord } from './schema.ts';
import { prepared } from './prepared.ts';
import { all, first, run } from './steps.ts';
import type { Steps } from './steps.ts';
import type { SessionQuery, SessionRow } from './store.ts';

/** Nothing runs in them and nothing will. */
export const closedStatuses: readonly SessionStatus[] = ['ended', 'failed'];

const flag = (value: boolean): Flag => (value ? 1 : 0);

/** How titles are compared in a search: one code for one letter, whatever its case. */
const fold = (text: string): string => text.normalize('NFC').toLowerCase();

export const toSession = (record: SessionRecord): SessionRow => ({
  id: record.id,
  kind: record.kind as SessionKind,
  workspaceId: record.workspace_id,
  ownerId: record.owner_id,
  runnerId: record.runner_id,
  title: record.title,
  status: record.status as SessionStatus,
  createdAt: record.created_at,
  lastActivityAt: record.last_activity_at,
  lastSeq: record.last_seq,
  oldestSeq: record.oldest_seq,
  pinned: record.pinned === 1,
  archived: record.archived === 1,
  turnOpen: record.turn_open === 1,
  state: JSON.parse(record.state) as unknown,
});

/** The columns a write of the session changes. */
const changing = (session: SessionRow) => ({
  title: session.title,
  title_folded: fold(session.title),
  status: session.status,
  last_activity_at: session.lastActivityAt,
  last_seq: session.lastSeq,
  turn_open: flag(session.turnOpen),
  state: JSON.stringify(session.state ?? null),
});

/** False: the id is taken. */
export function* insertSession(build: Build, session: SessionRow): Steps<boolean> {
  const record: SessionRecord = {
    id: session.id,
    kind: session.kind,
    workspace_id: session.workspaceId,
    owner_id: session.ownerId,
    runner_id: session.runnerId,
    created_at: session.createdAt,
    oldest_seq: session.oldestSeq,
    pinned: flag(session.pinned),
    archived: flag(session.archived),
    ...changing(session),
  };
  const inserted = yield* first(
    build
      .insertInto('sessions')
      .values(record)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('id'),
  );
  return inserted !== null;
}

const sessionOf = prepared<{ id: string }, SessionRecord>((build, place) =>
  build.selectFrom('sessions').selectAll().where('id', '=', place('id')),
);

export function* selectSession(build: Build, id: string): Steps<SessionRow | null> {
  const record = yield* first(sessionOf(build, { id }));
  return record && toSession(record);
}

type Update = ReturnType<typeof changing> & { id: string };

const updateOf = (columns: readonly (keyof Update)[]) =>
  prepared<Update, unknown>((build, place) =>
    build
      .updateTable('sessions')
      .set(Object.fromEntries(columns.map((column) => [column, place(column)])))
      .where('id', '=', place('id')),
  );
const oftenChanging = ['last_activity_at', 'last_seq', 'state'] as const;
const updateOften = updateOf(oftenChanging);
const updateAll = updateOf([...oftenChanging, 'title', 'title_folded', 'status', 'turn_open']);

/** What changes seldom and has an index is named only when it changes: naming a column is to write its indexes. */
export function* updateSession(build: Build, before: SessionRow, session: SessionRow): Steps<void> {
  const { title, status, turnOpen } = before;
  const same = session.title === title && session.status === status && session.turnOpen === turnOpen;
  const update = same ? updateOften : updateAll;
  yield* run(update(build, { id: session.id, ...changing(session) }));
}

export function* updateFlags(
  build: Build,
  id: string,
  flags: { pinned?: boolean; archived?: boolean },
): Steps<SessionRow | null> {
  const set = {
    ...(flags.pinned === undefined ? {} : { pinned: flag(flags.pinned) }),
    ...(flags.archived === undefined ? {} : { archived: flag(flags.archived) }),
  };
  if (Object.keys(set).length === 0) return yield* selectSession(build, id);
  const record = yield* first(build.updateTable('sessions').set(set).where('id', '=', id).returningAll());
  return record && toSession(record);
}

export function* selectOpenSessions(build: Build, runnerId: string): Steps<SessionRow[]> {
  const records = yield* all(
    build
      .selectFrom('sessions')
      .selectAll()
      .where('runner_id', '=', runnerId)
      .where('status', 'not in', closedStatuses)
      .orderBy('created_at')
      .orderBy('id'),
  );
  return records.map(toSession);
}

export function* selectArchivedSessions(build: Build, ownerId: string): Steps<string[]> {
  const records = yield* all(
    build
      .selectFrom('sessions')
      .select('id')
      .where('owner_id', '=', ownerId)
      .where('archived', '=', 1)
      .orderBy('last_activity_at')
      .orderBy('id'),
  );
  return records.map(({ id }) => id);
}
const pageLooked = 100;

type SessionPage = { sessions: SessionRow[]; nextCursor?: string };

/** Pages hang together by the last row's (activity, id): a session that did not change is listed exactly once. */
export function* selectSessionPage(build: Build, query: SessionQuery): Steps<Result<SessionPage>> {
  const { limit, cursor, matches } = query;
  // Where some are passed over, one look at many is better than many looks.
  const atOnce = matches === undefined ? limit + 1 : Math.max(limit + 1, pageLooked);
  let place = cursor === undefined ? null : decodeCursor(cursor);
  if (place === null && cursor !== undefined) return fail('bad_request', 'This cursor is not from an earlier answer.');
  const found: SessionRow[] = [];
  for (;;) {
    const records = yield* all(selectAfter(build, query, place).limit(atOnce));
    const rows = records.map(toSession);
    found.push(...(matches === undefined ? rows : rows.filter(matches)));
    const last = records.at(-1);
    if (found.length > limit || records.length < atOnce || last === undefined) break;
    place = { lastActivityAt: last.last_activity_at, id: last.id };
  }
  const sessions = found.slice(0, limit);
  const last = sessions.at(-1);
  return ok({ sessions, ...(last && found.length > limit ? { nextCursor: encodeCursor(last) } : {}) });
}

/** Newest activity first, from after this place on. */
function selectAfter(build: Build, query: SessionQuery, place: ListPlace | null) {
  let select = build.selectFrom('sessions').selectAll().orderBy('last_activity_at', 'desc').orderBy('id', 'desc');
  const { ownerId, status, workspaceId, titlePart } = query;
  if (ownerId !== undefined) select = select.where('owner_id', '=', ownerId);
  if (status !== undefined) select = select.where('status', '=', status);
  if (workspaceId !== undefined) select = select.where('workspace_id', '=', workspaceId);
  if (titlePart !== undefined) {
    const pattern = `%${fold(titlePart).replace(/[\\%_]/g, '\\$&')}%`;
    select = select.where(sql<boolean>`title_folded like ${pattern} escape '\\'`);
  }
  if (place === null) return select;
  return select.where((where) =>
    where.or([
      where('last_activity_at', '<', place.lastActivityAt),
      where.and([where('last_activity_at', '=', place.lastActivityAt), where('id', '<', place.id)]),
    ]),
  );
}
