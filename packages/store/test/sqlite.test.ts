import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { openSqliteStore } from '@holdfast/store/sqlite/open.ts';
import type { Store } from '@holdfast/store/store.ts';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { storeContract } from './contract.ts';
import type { OpenedStore } from './contract.ts';
import { decideOn, newSession, readLog, unwrap, workspace } from './samples.ts';

async function openStore(path: string): Promise<Store> {
  const opened = await openSqliteStore({ path });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

storeContract('sqlite', async () => {
  const directory = temporaryDirectory();
  const path = join(directory.path, 'holdfast.sqlite');
  const on = (store: Store): OpenedStore => ({
    store,
    reopen: async () => {
      await store.close();
      return on(await openStore(path));
    },
    dispose: async () => {
      await store.close();
      directory[Symbol.dispose]();
    },
  });
  return on(await openStore(path));
});

const writer = fileURLToPath(new URL('fixtures/writer.ts', import.meta.url));

/** Runs the writer; `enough` acknowledgements later it is killed. Answers what it said: command id → seq. */
async function writeUntilKilled(path: string, session: string, name: string, limit: number, enough = Infinity) {
  const child = spawn(process.execPath, [writer, path, session, name, String(limit)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.on('close', (code, signal) => resolve(signal ?? code)),
  );
  const acknowledged = new Map<string, number>();
  for await (const line of createInterface(child.stdout)) {
    const [commandId = '', seq] = line.split(' ');
    acknowledged.set(commandId, Number(seq));
    if (acknowledged.size === enough) child.kill('SIGKILL');
  }
  return { acknowledged, ended: await ended };
}

const textOf = (fact: { data: object }) => (fact.data as { text: string }).text;

describe('sqlite and other processes', () => {
  it(
    'LOG10: what was acknowledged is there after kill -9 in the middle of writing, and nothing by halves',
    { timeout: 60_000 },
    async () => {
      using directory = temporaryDirectory();
      const path = join(directory.path, 'holdfast.sqlite');
      const first = await openStore(path);
      unwrap(await first.createWorkspace(workspace));
      unwrap(await first.createSession(newSession('s1'), null, decideOn({})));
      await first.close();
      const acknowledged = new Map<string, number>();
      for (const [round, enough] of [1, 40, 200].entries()) {
        const result = await writeUntilKilled(path, 's1', `round${round}`, 1_000_000, enough);
        expect(result.ended).toBe('SIGKILL');
        for (const [commandId, seq] of result.acknowledged) acknowledged.set(commandId, seq);
      }
      expect(acknowledged.size).toBeGreaterThanOrEqual(241);
      const store = await openStore(path);
      const log = await readLog(store, 's1');
      expect(log.map((fact) => fact.seq)).toEqual(log.map((_, index) => index + 1));
      expect(await store.session('s1')).toMatchObject({ lastSeq: log.length, state: { count: log.length } });
      for (const [commandId, seq] of acknowledged) {
        expect(log.slice(seq - 2, seq).map(textOf)).toEqual([commandId, commandId]);
        const repeat = unwrap(await store.command('s1', { commandId, fingerprint: 'f' }, 'never', decideOn({})));
        expect(repeat).toMatchObject({ repeated: true, receipt: { seq } });
      }
      const deliveries = await store.deliveries('r1', 0, 1_000_000);
      expect(deliveries.flatMap(({ instruction }) => ('data' in instruction ? [instruction.data] : []))).toEqual(
        log.map(textOf).filter((_, index) => index % 2 === 1),
      );
      await store.close();
    },
  );

  it('LOG1: two processes writing one session take turns', async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'holdfast.sqlite');
    const store = await openStore(path);
    unwrap(await store.createWorkspace(workspace));
    unwrap(await store.createSession(newSession('s1'), null, decideOn({})));
    const both = await Promise.all(['one', 'two'].map((name) => writeUntilKilled(path, 's1', name, 200)));
    expect(both.map((result) => [result.ended, result.acknowledged.size])).toEqual([
      [0, 200],
      [0, 200],
    ]);
    const log = await readLog(store, 's1');
    expect(log.map((fact) => fact.seq)).toEqual(Array.from({ length: 800 }, (_, index) => index + 1));
    for (const { acknowledged } of both) {
      for (const [commandId, seq] of acknowledged)
        expect(log.slice(seq - 2, seq).map(textOf)).toEqual([commandId, commandId]);
    }
    await store.close();
  });

  it('OPS8: of two that open a new file at once, one migrates it and the other waits', async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'holdfast.sqlite');
    const both = await Promise.all(['one', 'two'].map((name) => writeUntilKilled(path, 's1', name, 0)));
    expect(both.map((result) => result.ended)).toEqual([0, 0]);
    const store = await openStore(path);
    expect(await store.workspaces()).toEqual([]);
    await store.close();
  });
});
