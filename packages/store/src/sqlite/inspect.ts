/** Finding out what an existing database file is, before anything could write to it. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isReadOnly } from './failure.ts';
import { migrations } from './migrations.ts';

/**
 * corrupt: not a database, or a damaged one · unwritable: file or directory cannot be made, read or written ·
 * newer: written by a later version of Holdfast · locked: another program holds it.
 * The message names the file and says what to do. Nothing in the file was changed.
 */
export interface OpenFailure {
  readonly kind: 'corrupt' | 'unwritable' | 'newer' | 'locked';
  readonly message: string;
}

/** unfinished: a transaction must be rolled back before it can be told; ask again on a connection that may write. */
type Inspection = OpenFailure | 'sound' | 'unfinished';

/** Bytes up to which every page is checked at each start (0.6 s for 1 GB); above, the head and the schema only. */
const thoroughCheckLimit = 1024 ** 3;

/** `busyTimeout`: milliseconds to wait for a program that holds the file. */
export function inspectFile(path: string, busyTimeout: number): Inspection {
  if (!beginsAsDatabase(path)) return damaged(path, 'it does not begin as a database does');
  const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeout });
  try {
    return inspectContent(database, path);
  } catch (error) {
    // So says a read-only connection of a transaction that was cut off in rollback-journal mode.
    if (isReadOnly(error)) return 'unfinished';
    throw error;
  } finally {
    database.close();
  }
}

/** SQLite takes a file of a few bytes, or an emptied one beside its log, for a new database and begins it anew. */
function beginsAsDatabase(path: string): boolean {
  const expected = 'SQLite format 3\0';
  // For writing too: SQLite takes a file that it may only read, and refuses the first write.
  const file = openSync(path, 'r+');
  try {
    const head = Buffer.alloc(expected.length);
    readSync(file, head, 0, head.length, 0);
    return head.toString('latin1') === expected;
  } finally {
    closeSync(file);
  }
}

export function inspectContent(database: DatabaseSync, path: string): OpenFailure | 'sound' {
  const recorded = database.prepare(`select 1 from sqlite_schema where name = 'kysely_migration'`).get();
  const small = statSync(path).size <= thoroughCheckLimit;
  const answer = small ? database.prepare('pragma quick_check(1)').get()?.['quick_check'] : 'ok';
  if (answer !== 'ok') return damaged(path, String(answer).replace(/\s+/g, ' '));
  if (!recorded) return 'sound';
  const unknown = database
    .prepare('select name from kysely_migration')
    .all()
    .map((row) => String(row['name']))
    .filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length === 0) return 'sound';
  const message = `The database ${path} was written by a newer version of Holdfast (${unknown.join(', ')}). Nothing was changed. Start that version, or restore a backup from before the upgrade.`;
  return { kind: 'newer', message };
}

export const damaged = (path: string, detail: string): OpenFailure => ({
  kind: 'corrupt',
  message: `The database ${path} is damaged (${detail}). Nothing was changed. Restore a backup, or move the file away to start with an empty one.`,
});
