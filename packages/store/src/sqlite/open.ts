import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { createStore } from '../create-store.ts';
import type { Schema } from '../schema.ts';
import type { Store } from '../store.ts';
import { connect } from './connection.ts';
import { NodeSqliteDialect } from './dialect.ts';
import { SqliteEngine } from './engine.ts';
import { isBusy, isDamage, unavailableFrom } from './failure.ts';
import { damaged, inspectContent, inspectFile } from './inspect.ts';
import type { OpenFailure } from './inspect.ts';
import { migrations } from './migrations.ts';

interface SqliteStoreOptions {
  /** Absolute path of the database file. Made, with its directory, if it is not there. */
  readonly path: string;
  /** Milliseconds that opening, and then each write, waits while another program holds the file's lock. Default 5,000. */
  readonly lockWait?: number;
}

export type OpenResult = { ok: true; value: Store } | { ok: false; error: OpenFailure };

const defaultLockWait = 5_000;
/** Milliseconds for which one statement of an open store may block the event loop on somebody else's lock. */
const busyTimeout = 10;

/** Inspects, connects and migrates. A file that is refused was not changed; bugs throw. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<OpenResult> {
  const { path, lockWait = defaultLockWait } = options;
  let database: DatabaseSync | null = null;
  try {
    let inspection = prepareFile(path) === 'new' ? 'sound' : inspectFile(path, lockWait);
    if (typeof inspection === 'object') return { ok: false, error: inspection };
    database = connect(path, lockWait);
    if (inspection === 'unfinished') inspection = inspectContent(database, path);
    if (typeof inspection === 'object') {
      database.close();
      return { ok: false, error: inspection };
    }
    chmodSync(path, 0o600);
    const kysely = new Kysely<Schema>({ dialect: new NodeSqliteDialect(database) });
    const migrated = await new Migrator({
      db: kysely,
      provider: { getMigrations: () => Promise.resolve(migrations) },
    }).migrateToLatest();
    if (migrated.error !== undefined) throw migrated.error as Error;
    database.exec(`pragma busy_timeout = ${busyTimeout}`);
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

function failureOf(error: unknown, path: string): OpenFailure {
  const detail = error instanceof Error ? error.message : String(error);
  if (isDamage(error)) return damaged(path, detail);
  if (isBusy(error)) {
    return { kind: 'locked', message: `The database ${path} is locked by another program. Stop it, then start again.` };
  }
  if (!unavailableFrom(error) && !isFromSystem(error)) throw error;
  return {
    kind: 'unwritable',
    message: `The database ${path} cannot be made or written (${detail}). Check that its directory exists, is yours and has space.`,
  };
}

/** EACCES, ENOSPC, …; node's own codes (ERR_…) are bugs. */
const isFromSystem = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code);
