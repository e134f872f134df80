/**
 * The outbox of the command line: one SQLite file in the data directory, shared by all its processes. Each is
 * responsible for its own commands and holds a lock of its own for as long as it lives; whoever finds one that is gone
 * takes over what that one left, in one transaction: a command is never in the hands of two.
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { KeptCommand } from '@holdfast/core/client/outbox.ts';
import { keptCommandSchema } from '@holdfast/link/kept-command.ts';
import type { OutboxStorage } from '@holdfast/link/outbox-storage.ts';
import { type ProcessLock, holdLock, isHeld } from '../process-lock.ts';

export interface FileOutboxOptions {
  readonly dataDirectory: string;
  /** Which server the commands are for: what was made for one is never sent to another. */
  readonly server: string;
  /** Names this process; used by no other, ever. */
  readonly process: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A file that is no outbox any more was moved to `path`, whole, and a new one was begun. */
  readonly onDamaged: (path: string) => void;
}

/** Of another process that writes, ms: it takes a few. */
const waitMs = 5_000;
const version = 1;

/** What was left behind is handed over before open() returns: the file is read synchronously. */
export function fileOutbox(options: FileOutboxOptions): OutboxStorage {
  return new FileOutbox(options);
}

export interface ListedCommand extends KeptCommand {
  readonly server: string;
  /** The process that is responsible for it lives. */
  readonly held: boolean;
}

/** Everything in the file, oldest first, whoever it belongs to. Throws what SQLite says where it cannot be read. */
export function listOutbox(dataDirectory: string): readonly ListedCommand[] {
  const file = fileOf(dataDirectory);
  if (!existsSync(file)) return [];
  const database = openDatabase(file);
  try {
    const held = new Map<string, boolean>();
    const isAlive = (owner: string): boolean => {
      const known = held.get(owner) ?? isHeld(lockFileOf(dataDirectory, owner));
      held.set(owner, known);
      return known;
    };
    return database
      .prepare('SELECT server, owner, command FROM commands')
      .all()
      .flatMap((row): ListedCommand[] => {
        const command = parse(row['command']);
        if (command === null) return [];
        return [{ ...command, server: String(row['server']), held: isAlive(String(row['owner'])) }];
      })
      .sort(byAge);
  } finally {
    database.close();
  }
}

const byAge = (a: KeptCommand, b: KeptCommand): number =>
  a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : a.order - b.order;

class FileOutbox implements OutboxStorage {
  readonly #options: FileOutboxOptions;
  #adopt: (commands: readonly KeptCommand[]) => void = () => undefined;
  #database: DatabaseSync | null = null;
  #lock: ProcessLock | null = null;

  constructor(options: FileOutboxOptions) {
    this.#options = options;
  }

  open(adopt: (commands: readonly KeptCommand[]) => void): Promise<void> {
    return attempt(() => {
      const { dataDirectory, process } = this.#options;
      this.#adopt = adopt;
      // A storage that cannot be had is never closed by its user: nothing stays open.
      using undo = new DisposableStack();
      undo.defer(() => this.#letGo());
      mkdirSync(lockDirectoryOf(dataDirectory), { recursive: true, mode: 0o700 });
      this.#database = this.#openOrBeginAnew();
      this.#lock = holdLock(lockFileOf(dataDirectory, process));
      if (this.#lock === null) throw new Error(`another process is called ${process}`);
      // Only now: whoever reads of a process in the file finds its lock held, or it is gone.
      this.#database.prepare('INSERT INTO processes (name) VALUES (?)').run(process);
      this.#takeOverAll();
      undo.move();
    });
  }

  put(command: KeptCommand): Promise<void> {
    return attempt(() => {
      const { process, server } = this.#options;
      this.#opened()
        .prepare('INSERT OR REPLACE INTO commands (id, server, owner, command) VALUES (?, ?, ?, ?)')
        .run(command.id, server, process, JSON.stringify(command));
    });
  }

  remove(id: string): Promise<void> {
    return attempt(() => {
      this.#opened().prepare('DELETE FROM commands WHERE id = ?').run(id);
    });
  }

  rescan(): void {
    try {
      if (this.#database !== null) this.#takeOverAll();
    } catch {
      // A file that cannot be read now will be read at the next start.
    }
  }

  /** What is kept belongs to nobody then; the next one takes it over. */
  close(): Promise<void> {
    return attempt(() => {
      const { dataDirectory, process } = this.#options;
      try {
        this.#database?.prepare('DELETE FROM processes WHERE name = ?').run(process);
        if (this.#lock !== null) rmSync(lockFileOf(dataDirectory, process), { force: true });
      } finally {
        this.#letGo();
      }
    });
  }

  #letGo(): void {
    this.#database?.close();
    this.#database = null;
    this.#lock?.release();
    this.#lock = null;
  }

  #opened(): DatabaseSync {
    if (this.#database === null) throw new Error('the outbox is not open');
    return this.#database;
  }

  #takeOverAll(): void {
    const { dataDirectory, process } = this.#options;
    const others = this.#opened()
      .prepare('SELECT name FROM processes UNION SELECT owner FROM commands')
      .all()
      .map((row) => String(row['name']))
      .filter((name) => name !== process);
    for (const other of others) {
      const file = lockFileOf(dataDirectory, other);
      if (isHeld(file)) continue;
      const taken = this.#takeOver(other);
      if (taken.length > 0) this.#adopt(taken);
      // With what SQLite left beside it when its process was killed.
      for (const left of [file, `${file}-journal`]) rmSync(left, { force: true });
    }
  }

  /** In one transaction. What cannot be read is left where it is: a newer version may know what it is. */
  #takeOver(other: string): readonly KeptCommand[] {
    const database = this.#opened();
    const { process, server } = this.#options;
    database.exec('BEGIN IMMEDIATE');
    try {
      const taken = database
        .prepare('SELECT command FROM commands WHERE owner = ? AND server = ?')
        .all(other, server)
        .flatMap((row) => parse(row['command']) ?? []);
      const change = database.prepare('UPDATE commands SET owner = ? WHERE id = ?');
      for (const { id } of taken) change.run(process, id);
      database.prepare('DELETE FROM processes WHERE name = ?').run(other);
      database.exec('COMMIT');
      return taken;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }

  #openOrBeginAnew(): DatabaseSync {
    const file = fileOf(this.#options.dataDirectory);
    try {
      return openDatabase(file);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    return this.#setAside(file);
  }

  /** By one process only, and only after a second look: another may have begun a new file meanwhile. */
  #setAside(file: string): DatabaseSync {
    const lock = holdLock(join(lockDirectoryOf(this.#options.dataDirectory), 'damaged'));
    if (lock === null) throw new Error(`${file} is damaged and being set aside`);
    try {
      return openDatabase(file);
    } catch (error) {
      if (!isDamage(error)) throw error;
      const aside = `${file}.damaged-${this.#options.now()}`;
      renameSync(file, aside);
      if (existsSync(`${file}-journal`)) renameSync(`${file}-journal`, `${aside}-journal`);
      this.#options.onDamaged(aside);
      return openDatabase(file);
    } finally {
      lock.release();
    }
  }
}

const fileOf = (dataDirectory: string): string => join(dataDirectory, 'outbox.db');
const lockDirectoryOf = (dataDirectory: string): string => join(dataDirectory, 'outbox-locks');
const lockFileOf = (dataDirectory: string, owner: string): string => join(lockDirectoryOf(dataDirectory), owner);

/** null: of another version. */
function parse(text: unknown): KeptCommand | null {
  try {
    return keptCommandSchema.parse(JSON.parse(String(text)));
  } catch {
    return null;
  }
}

/** Made readable by its owner only, and checked whole: it is small. */
function openDatabase(file: string): DatabaseSync {
  closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file, { timeout: waitMs });
  try {
    // extra: a commit is on the disk, the end of its journal in the directory included, before it returns.
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA');
    const check = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (check !== 'ok') throw new Damage(`${file} is damaged: ${String(check)}`);
    const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (found > version) throw new Error(`${file} was written by a newer version of Holdfast`);
    if (found < version) create(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function create(database: DatabaseSync): void {
  database.exec(`BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS processes (name TEXT PRIMARY KEY) STRICT;
    CREATE TABLE IF NOT EXISTS commands (
      id TEXT PRIMARY KEY,
      server TEXT NOT NULL,
      owner TEXT NOT NULL,
      command TEXT NOT NULL
    ) STRICT;
    PRAGMA user_version = ${version};
    COMMIT`);
}

class Damage extends Error {}

function isDamage(error: unknown): boolean {
  // SQLITE_CORRUPT and SQLITE_NOTADB
  const isCode = error instanceof Error && 'errcode' in error && (error.errcode === 11 || error.errcode === 26);
  return isCode || error instanceof Damage;
}

/** What node:sqlite throws, as a rejection. */
function attempt(call: () => void): Promise<void> {
  return new Promise((resolve) => {
    call();
    resolve();
  });
}
