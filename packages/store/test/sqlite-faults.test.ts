/** A disk that is full, locked or read-only while the store is open: refused as a value, and cured without a restart. */
import { fail } from '@holdfast/protocol/error.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { createStore } from '@holdfast/store/create-store.ts';
import type { Schema } from '@holdfast/store/schema.ts';
import { connect } from '@holdfast/store/sqlite/connection.ts';
import { NodeSqliteDialect } from '@holdfast/store/sqlite/dialect.ts';
import { SqliteEngine } from '@holdfast/store/sqlite/engine.ts';
import { openSqliteStore } from '@holdfast/store/sqlite/open.ts';
import type { Store } from '@holdfast/store/store.ts';
import { run } from '@holdfast/store/steps.ts';
import { StoreUnavailable } from '@holdfast/store/unavailable.ts';
import { Kysely } from 'kysely';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decideOn, message, newSession, readLog, time, unwrap, workspace } from './samples.ts';

describe('sqlite in trouble', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let path: string;
  let database: DatabaseSync;
  let engine: SqliteEngine;
  let store: Store;

  beforeEach(async () => {
    directory = temporaryDirectory();
    path = join(directory.path, 'holdfast.sqlite');
    const opened = await openSqliteStore({ path });
    if (!opened.ok) throw new Error(opened.error.message);
    await opened.value.close();
    database = connect(path, 0);
    const build = new Kysely<Schema>({ dialect: new NodeSqliteDialect(database) });
    engine = new SqliteEngine(database, build, 60);
    store = createStore(engine);
    unwrap(await store.createWorkspace(workspace));
    unwrap(await store.createSession(newSession('s1'), null, decideOn({ facts: [message('first')] })));
  });
  afterEach(async () => {
    await store.close();
    directory[Symbol.dispose]();
  });

  /** More than a page, so that a full disk is felt. */
  const big = decideOn({ facts: [message('x'.repeat(100_000))] });
  const key = { commandId: 'c1', fingerprint: 'f' };

  const troubles: [string, RegExp, () => () => void][] = [
    [
      'full',
      /disk .* is full/,
      () => {
        database.exec('pragma max_page_count = 1');
        return () => database.exec('pragma max_page_count = 1000000');
      },
    ],
    [
      'read-only',
      /cannot be written/,
      () => {
        database.exec('pragma query_only = 1');
        return () => database.exec('pragma query_only = 0');
      },
    ],
    [
      'locked',
      /locked by another program/,
      () => {
        const other = connect(path, 0);
        other.exec('begin immediate');
        return () => other.close();
      },
    ],
  ];

  it.each(troubles)(
    'OPS6: while the disk is %s, writes are refused and nothing stays; then it goes on',
    async (_, text, begin) => {
      const before = await store.session('s1');
      const cure = begin();
      const refused = { ok: false, error: { kind: 'unavailable', message: expect.stringMatching(text) as string } };
      expect(await store.command('s1', key, time(1), big)).toMatchObject(refused);
      expect(await store.report('s1', { source: 'o', position: 1 }, time(1), big)).toMatchObject(refused);
      expect(await store.change('s1', time(1), big)).toMatchObject(refused);
      expect(await store.createSession(newSession('s2'), key, big)).toMatchObject(refused);
      expect(await store.session('s1')).toEqual(before);
      expect(await readLog(store, 's1')).toHaveLength(1);
      cure();
      expect(unwrap(await store.command('s1', key, time(1), big))).toMatchObject({
        repeated: false,
        receipt: { seq: 2 },
      });
      expect(unwrap(await store.report('s1', { source: 'o', position: 1 }, time(1), big)).repeated).toBe(false);
      expect(unwrap(await store.createSession(newSession('s2'), key, big)).repeated).toBe(false);
    },
  );

  it('OPS6: calls that answer no Result reject with the same error', async () => {
    database.exec('pragma query_only = 1');
    const calls = [
      () => store.finishDelivery(1),
      () => store.flagSession('s1', { pinned: true }),
      () => store.renameWorkspace('w1', 'x'),
      () => store.deleteSession('s1'),
    ];
    for (const call of calls) {
      const error = await call().catch((error: unknown) => error);
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect((error as StoreUnavailable).error).toMatchObject({ kind: 'unavailable', retryAfterMs: 1_000 });
    }
    database.exec('pragma query_only = 0');
    expect(await store.deleteSession('s1')).toBe(true);
  });

  it('OPS6: a transaction left open by a failed roll-back is rolled back before the next', async () => {
    database.exec(`begin immediate; update sessions set title = 'half'`);
    const written = unwrap(await store.command('s1', key, time(1), big));
    expect(written.session).toMatchObject({ title: '', lastSeq: 2 });
  });

  it('LOG6: reports that waited for a lock are stored in the order in which they came', async () => {
    const other = connect(path, 0);
    other.exec('begin immediate');
    const report = (position: number) =>
      store.report('s1', { source: 'o', position }, time(1), decideOn({ facts: [message(`at ${position}`)] }));
    const waiting = [report(1), report(2)];
    other.exec('rollback');
    waiting.push(report(3));
    const repeated = (await Promise.all(waiting)).map((result) => unwrap(result).repeated);
    expect(repeated).toEqual([false, false, false]);
    other.close();
  });

  it('LOG2: steps that write and then refuse leave nothing', async () => {
    const refusal = fail('conflict', 'after the fact');
    const result = await engine.write(function* () {
      yield* run(engine.build.updateTable('sessions').set({ title: 'half' }));
      return refusal;
    });
    expect(result).toEqual(refusal);
    expect(await store.session('s1')).toMatchObject({ title: '' });
  });

  it('LOG2: a decision that writes is a bug and throws', async () => {
    let inner: Promise<unknown> = Promise.resolve();
    unwrap(
      await store.command('s1', key, time(1), (session) => {
        inner = store.change('s1', time(1), big);
        inner.catch(() => undefined);
        return decideOn({ facts: [message('outer')] })(session);
      }),
    );
    await expect(inner).rejects.toThrow('a decision must not write');
    expect(await readLog(store, 's1')).toHaveLength(2);
  });

  it('OPS6: a store that is closed gives up what waits for a lock', async () => {
    const other = connect(path, 0);
    other.exec('begin immediate');
    const waiting = store.change('s1', time(1), big);
    await store.close();
    expect(await waiting).toMatchObject({ error: { kind: 'unavailable' } });
    other.close();
  });
});
