/**
 * A unit of work on the database as a generator: it yields queries and is handed their rows. The engine decides how
 * they run: node:sqlite from first to last without giving up the event loop, so that no half-done transaction is ever
 * held across a tick; a networked engine by awaiting each. The queries are written once for both.
 */
import type { Compilable, CompiledQuery } from 'kysely';

export type Steps<T> = Generator<CompiledQuery, T, readonly unknown[]>;

/** Every row of the answer. */
export function* all<Row>(query: Compilable<Row>): Steps<readonly Row[]> {
  return (yield query.compile()) as readonly Row[];
}

/** The answer's first row, or null. */
export function* first<Row>(query: Compilable<Row>): Steps<Row | null> {
  return (yield* all(query))[0] ?? null;
}

/** For what has no answer. */
export function* run(query: Compilable): Steps<void> {
  yield query.compile();
}
