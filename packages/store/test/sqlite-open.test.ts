import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { connect } from '@holdfast/store/sqlite/connection.ts';
import { NodeSqliteDialect } from '@holdfast/store/sqlite/dialect.ts';
import { migrations } from '@holdfast/store/sqlite/migrations.ts';
import { openSqliteStore } from '@holdfast/store/sqlite/open.ts';
import type { OpenResult } from '@holdfast/store/sqlite/open.ts';
import type { Store } from '@holdfast/store/store.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { Kysely } from 'kysely';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decideOn, message, newSession, readLog, time, unwrap, workspace } from './samples.ts';

describe('opening an sqlite store', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let path: string;
  beforeEach(() => {
    directory = temporaryDirectory();
    path = join(directory.path, 'data', 'holdfast.sqlite');
  });
  afterEach(() => directory[Symbol.dispose]());

  const open = async (): Promise<Store> => {
    const opened = await openSqliteStore({ path });
    if (!opened.ok) throw new Error(opened.error.message);
    return opened.value;
  };
  /** A store with some pages in it, closed. */
  const fill = async () => {
    const store = await open();
    unwrap(await store.createWorkspace(workspace));
    unwrap(await store.createSession(newSession('s1'), null, decideOn({})));
    for (let number = 0; number < 40; number += 1) {
      const key = { commandId: `c${number}`, fingerprint: 'f' };
      unwrap(await store.command('s1', key, time(number), decideOn({ facts: [message('x'.repeat(3_000))] })));
    }
    await store.close();
  };
  const expectFailure = (result: OpenResult, kind: string) => {
    expect(result).toMatchObject({ ok: false, error: { kind } });
    if (result.ok) return;
    expect(result.error.message).toContain(path);
    expect(result.error.message).not.toMatch(/\n|\bat .*:\d/);
  };

  it.each([
    ['text in its place', (bytes: Buffer) => Buffer.from('not a database, '.repeat(bytes.length / 16))],
    ['a few bytes', () => Buffer.from('x')],
    ['a damaged head', (bytes: Buffer) => (bytes.fill(0xff, 16, 100), bytes)],
    ['a damaged schema', (bytes: Buffer) => (bytes.fill(0x41, 100, 4_096), bytes)],
    ['a damaged page in the middle', (bytes: Buffer) => (bytes.fill(0xa5, 24 * 4_096, 25 * 4_096), bytes)],
    ['half a head', (bytes: Buffer) => bytes.subarray(0, 50)],
    ['its end cut off', (bytes: Buffer) => bytes.subarray(0, 20 * 4_096)],
  ])('OPS3: a database with %s is told as damaged and not touched', async (_, damage) => {
    await fill();
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    const { mtimeMs } = statSync(path);
    expectFailure(await openSqliteStore({ path }), 'corrupt');
    expect(readFileSync(path).equals(damaged)).toBe(true);
    expect(statSync(path).mtimeMs).toBe(mtimeMs);
  });

  it('OPS3: a damaged database is not touched by its log of an unclean stop either', async () => {
    await fill();
    const store = await open();
    unwrap(await store.command('s1', { commandId: 'late', fingerprint: 'f' }, time(99), decideOn({})));
    const crashed = join(directory.path, 'crashed');
    cpSync(join(directory.path, 'data'), crashed, { recursive: true });
    await store.close();
    path = join(crashed, 'holdfast.sqlite');
    const damaged = readFileSync(path).fill(0xa5, 24 * 4_096, 25 * 4_096);
    writeFileSync(path, damaged);
    const log = readFileSync(`${path}-wal`);
    expect(log.length).toBeGreaterThan(0);
    expectFailure(await openSqliteStore({ path }), 'corrupt');
    expect(readFileSync(path).equals(damaged)).toBe(true);
    expect(readFileSync(`${path}-wal`).equals(log)).toBe(true);
  });

  it('OPS3: an emptied database beside its log is told as damaged, and the log is kept', async () => {
    await fill();
    writeFileSync(path, '');
    writeFileSync(`${path}-wal`, 'what was not yet taken over');
    expectFailure(await openSqliteStore({ path }), 'corrupt');
    expect(readFileSync(`${path}-wal`, 'utf8')).toBe('what was not yet taken over');
  });

  it('OPS3: a path that cannot be a file is told as unwritable', async () => {
    writeFileSync(join(directory.path, 'data'), 'a file where the directory should be');
    expectFailure(await openSqliteStore({ path }), 'unwritable');
    path = join(directory.path, 'folder');
    mkdirSync(path);
    expectFailure(await openSqliteStore({ path }), 'unwritable');
    expect(readFileSync(join(directory.path, 'data'), 'utf8')).toContain('a file');
    expect(readdirSync(path)).toEqual([]);
  });

  const stranger = 65_534;
  /** As somebody who may not write there; root may always. */
  const asStranger = async (work: () => Promise<void>) => {
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(stranger);
    try {
      await work();
    } finally {
      if (root) process.seteuid?.(0);
    }
  };

  it('OPS3: a directory or a file that may not be written is told as unwritable and not touched', async () => {
    await fill();
    const bytes = readFileSync(path);
    chmodSync(path, 0o444);
    chmodSync(join(directory.path, 'data'), 0o555);
    chmodSync(directory.path, 0o555);
    await asStranger(async () => {
      expectFailure(await openSqliteStore({ path }), 'unwritable');
      path = join(directory.path, 'data', 'other.sqlite');
      expectFailure(await openSqliteStore({ path }), 'unwritable');
      path = join(directory.path, 'new', 'holdfast.sqlite');
      expectFailure(await openSqliteStore({ path }), 'unwritable');
    });
    chmodSync(directory.path, 0o755);
    chmodSync(join(directory.path, 'data'), 0o755);
    expect(readdirSync(directory.path)).toEqual(['data']);
    expect(readdirSync(join(directory.path, 'data'))).toEqual(['holdfast.sqlite']);
    expect(readFileSync(join(directory.path, 'data', 'holdfast.sqlite')).equals(bytes)).toBe(true);
  });

  it('OPS3: a file that its owner made read-only is told as unwritable and stays so', async () => {
    await fill();
    const bytes = readFileSync(path);
    chmodSync(path, 0o444);
    chmodSync(directory.path, 0o755);
    if (process.geteuid?.() === 0) for (const owned of [path, dirname(path)]) chownSync(owned, stranger, stranger);
    await asStranger(async () => expectFailure(await openSqliteStore({ path }), 'unwritable'));
    expect(statSync(path).mode & 0o777).toBe(0o444);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('OPS3: a database that another program holds is told as locked', async () => {
    await fill();
    const other = new DatabaseSync(path);
    other.exec('pragma locking_mode = exclusive; begin immediate; rollback; begin exclusive');
    const result = await openSqliteStore({ path, lockWait: 50 });
    other.close();
    expectFailure(result, 'locked');
  });

  it('OPS7: only the owner may read what is kept, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      const store = await open();
      unwrap(await store.createWorkspace(workspace));
      const mode = (file: string) => statSync(file).mode & 0o777;
      expect(mode(join(directory.path, 'data'))).toBe(0o700);
      expect(readdirSync(join(directory.path, 'data')).toSorted()).toEqual([
        'holdfast.sqlite',
        'holdfast.sqlite-shm',
        'holdfast.sqlite-wal',
      ]);
      for (const file of ['', '-wal', '-shm']) expect(mode(path + file)).toBe(0o600);
      await store.close();
      chmodSync(path, 0o644);
      await (await open()).close();
      expect(mode(path)).toBe(0o600);
    } finally {
      process.umask(umask);
    }
  });

  it('LOG10: a commit is on the disk before it is acknowledged, and references are checked', async () => {
    const store = await open();
    using database = connect(path, 5_000);
    const pragma = (name: string) => Object.values(database.prepare(`pragma ${name}`).get() ?? {})[0];
    expect(['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout'].map(pragma)).toEqual(['wal', 2, 1, 5_000]);
    await store.close();
  });

  const recorded = () => {
    using database = new DatabaseSync(path, { readOnly: true });
    return {
      migrations: database.prepare('select name, timestamp from kysely_migration').all(),
      tables: database.prepare('select sql from sqlite_schema order by name').all(),
    };
  };

  it('OPS8: migrations are recorded and run once', async () => {
    await fill();
    const first = recorded();
    expect(first.migrations.map((row) => row['name'])).toEqual(Object.keys(migrations));
    expect(Object.keys(migrations)).toEqual(Object.keys(migrations).toSorted());
    for (const name of Object.keys(migrations)) expect(name).toMatch(/^\d{14}-[a-z-]+$/);
    const store = await open();
    expect(await readLog(store, 's1')).toHaveLength(40);
    await store.close();
    expect(recorded()).toEqual(first);
  });

  it('LOG16: what agents used up before it was part of the state is counted from their logs', async () => {
    const store = await open();
    unwrap(await store.createWorkspace(workspace));
    const usage = (turnId: string, outputTokens: number, more: object = {}): FactDraft => ({
      type: 'usage',
      data: { turnId, inputTokens: 10, outputTokens, ...more },
    });
    const facts = [
      usage('t1', 1, { costUsd: 0.25, contextTokens: 40, contextWindow: 900 }),
      usage('t1', 5, { costUsd: 0.5, contextTokens: 50, contextWindow: 1_000 }),
      usage('t2', 7),
    ];
    for (const id of ['told', 'untold', 'shell']) {
      unwrap(await store.createSession(newSession(id), null, decideOn({ facts: id === 'told' ? facts : [] })));
    }
    await store.close();
    const database = new DatabaseSync(path);
    const set = database.prepare('update sessions set state = ? where id = ?');
    const old = (agent: object | null): string => JSON.stringify({ kind: 'agent', title: 'old', agent });
    set.run(old({ provider: 'claude' }), 'told');
    set.run(old({ provider: 'claude' }), 'untold');
    set.run(old(null), 'shell');
    database.exec("delete from kysely_migration where name like '%usage-in-state'");
    database.close();
    const migrated = await open();
    const stateOf = async (id: string) => (await migrated.session(id))?.state;
    const agent = {
      provider: 'claude',
      usage: { inputTokens: 20, outputTokens: 12, costUsd: 0.5, turns: 2, contextTokens: 50, contextWindow: 1_000 },
      usageOfTurn: { turnId: 't2', inputTokens: 10, outputTokens: 7, costUsd: 0 },
    };
    expect(await stateOf('told')).toEqual({ kind: 'agent', title: 'old', agent });
    expect(await stateOf('untold')).toEqual({ kind: 'agent', title: 'old', agent: { provider: 'claude' } });
    expect(await stateOf('shell')).toEqual({ kind: 'agent', title: 'old', agent: null });
    await migrated.close();
  });

  it('OPS8: a migration keeps other writers out from its first look on', async () => {
    await fill();
    const kysely = new Kysely<unknown>({ dialect: new NodeSqliteDialect(connect(path, 0)) });
    using other = connect(path, 0);
    await kysely.transaction().execute(() => {
      expect(() => other.exec('begin immediate')).toThrow('locked');
      return Promise.resolve();
    });
    other.exec('begin immediate; rollback');
    await kysely.destroy();
  });

  it('OPS8: a database of a newer version is refused and not touched', async () => {
    await fill();
    const database = new DatabaseSync(path);
    database.exec(`insert into kysely_migration values ('20990101000000-later', '2099-01-01T00:00:00.000Z')`);
    database.close();
    const bytes = readFileSync(path);
    const result = await openSqliteStore({ path });
    expectFailure(result, 'newer');
    expect(result).toMatchObject({ error: { message: expect.stringContaining('20990101000000-later') as string } });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('LOG10: a transaction that was cut off in rollback-journal mode is undone, not taken for damage', async () => {
    await fill();
    const database = new DatabaseSync(path);
    database.exec('pragma journal_mode = delete; pragma cache_size = 1; begin');
    database.exec(`update facts set data = replace(data, 'x', 'y')`);
    const crashed = join(directory.path, 'crashed');
    cpSync(join(directory.path, 'data'), crashed, { recursive: true });
    database.close();
    rmSync(join(directory.path, 'data'), { recursive: true });
    expect(readdirSync(crashed)).toContain('holdfast.sqlite-journal');
    path = join(crashed, 'holdfast.sqlite');
    const store = await open();
    const log = await readLog(store, 's1');
    expect(log).toHaveLength(40);
    expect(JSON.stringify(log)).not.toContain('yyy');
    await store.close();
  });
});
