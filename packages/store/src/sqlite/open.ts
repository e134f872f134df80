import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createStore } from '../create-store.ts';
import type { Schema } from '../schema.ts';
import type { Store } from '../store.ts';
import { connect } from './connection.ts';
import { NodeSqliteDialect } from './dialect.ts';
import { SqliteEngine } from './engine.ts';
import { isBusy, isDamage, isReadOnly, resultCode } from './failure.ts';
import { migrations } from './migrations.ts';

interface SqliteStoreOptions {
  /** Absolute path of the database file. Made, with its directory, if it is not there. */
  readonly path: string;
  /** Milliseconds that opening, and then each write, waits while another program holds the file's lock. Default 5,000. */
  readonly lockWait?: number;
}

/**
 * corrupt: not a database, or a damaged one · unwritable: file or directory cannot be made, read or written ·
 * newer: written by a later version of Holdfast · locked: another program holds it.
 * The message names the file and says what to do. Nothing in the file was changed.
 */
interface OpenFailure {
  readonly kind: 'corrupt' | 'unwritable' | 'newer' | 'locked';
  readonly message: string;
}

export type OpenResult = { ok: true; value: Store } | { ok: false; error: OpenFailure };

/** Milliseconds for which one statement of the store may block the event loop on somebody else's lock. */
const storeBusyTimeout = 10;
const defaultLockWait = 5_000;
/** Bytes up to which every page is checked at each start (0.6 s for 1 GB); above, the head and the schema only. */
const thoroughCheckLimit = 1024 ** 3;

export async function openSqliteStore(options: SqliteStoreOptions): Promise<OpenResult> {
  const { path, lockWait = defaultLockWait } = options;
  let database: DatabaseSync | null = null;
  try {
    if (prepareFile(path) === 'existing') {
      const fault = inspectHead(path) ?? inspectUnchanged(path, lockWait);
      if (fault) return { ok: false, error: fault };
    }
    database = connect(path, lockWait);
    const fault = inspect(database, path);
    if (fault) {
      database.close();
      return { ok: false, error: fault };
    }
    // SQLite opens a file that it may not write as read-only, and says so at the first write.
    database.exec('begin immediate; rollback');
    chmodSync(path, 0o600);
    const kysely = new Kysely<Schema>({ dialect: new NodeSqliteDialect(database) });
    const migrated = await new Migrator({
      db: kysely,
      provider: { getMigrations: () => Promise.resolve(migrations) },
    }).migrateToLatest();
    if (migrated.error !== undefined) throw migrated.error as Error;
    database.exec(`pragma busy_timeout = ${storeBusyTimeout}`);
    return { ok: true, value: createStore(new SqliteEngine(database, kysely, lockWait)) };
  } catch (error) {
    if (database?.isOpen) database.close();
    return { ok: false, error: failureOf(error, path) };
  }
}

/** Only its owner may read what people and agents said. */
function prepareFile(path: string): 'existing' | 'new' {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const existing = statSync(path, { throwIfNoEntry: false });
  if (existing && !existing.isFile()) throw Object.assign(new Error('it is not a file'), { code: 'EISDIR' });
  if (existing && (existing.size > 0 || existsSync(`${path}-wal`))) return 'existing';
  closeSync(openSync(path, 'a', 0o600));
  return 'new';
}

/** SQLite takes a file of a few bytes, or an emptied one beside its log, for a new database and begins it anew. */
function inspectHead(path: string): OpenFailure | null {
  const expected = 'SQLite format 3\0';
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(expected.length);
    readSync(file, head, 0, head.length, 0);
    return head.toString('latin1') === expected ? null : damaged(path, 'it does not begin as a database does');
  } finally {
    closeSync(file);
  }
}

/** A file that is damaged is found out before anything could write to it. */
function inspectUnchanged(path: string, busyTimeout: number): OpenFailure | null {
  const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeout });
  try {
    return inspect(database, path);
  } catch (error) {
    // A transaction cut off in rollback-journal mode must be rolled back before the file can be read: by the
    // connection that may write.
    if (isReadOnly(error)) return null;
    throw error;
  } finally {
    database.close();
  }
}

function inspect(database: DatabaseSync, path: string): OpenFailure | null {
  const recorded = database.prepare(`select 1 from sqlite_schema where name = 'kysely_migration'`).get();
  const small = statSync(path).size <= thoroughCheckLimit;
  const answer = small ? database.prepare('pragma quick_check(1)').get()?.['quick_check'] : 'ok';
  if (answer !== 'ok') return damaged(path, String(answer).replace(/\s+/g, ' '));
  if (!recorded) return null;
  const unknown = database
    .prepare('select name from kysely_migration')
    .all()
    .map((row) => String(row['name']))
    .filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length === 0) return null;
  const message = `The database ${path} was written by a newer version of Holdfast (${unknown.join(', ')}). Nothing was changed. Start that version, or restore a backup from before the upgrade.`;
  return { kind: 'newer', message };
}

const damaged = (path: string, detail: string): OpenFailure => ({
  kind: 'corrupt',
  message: `The database ${path} is damaged (${detail}). Nothing was changed. Restore a backup, or move the file away to start with an empty one.`,
});

/** Bugs are thrown on. */
function failureOf(error: unknown, path: string): OpenFailure {
  const detail = error instanceof Error ? error.message : String(error);
  if (isDamage(error)) return damaged(path, detail);
  if (isBusy(error)) {
    return { kind: 'locked', message: `The database ${path} is locked by another program. Stop it, then start again.` };
  }
  const fromSystem = error instanceof Error && 'code' in error && typeof error.code === 'string';
  if (resultCode(error) === null && !fromSystem) throw error;
  return {
    kind: 'unwritable',
    message: `The database ${path} cannot be made or written (${detail}). Check that its directory exists, is yours and has space.`,
  };
}
