import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import type { KeptCommand } from '@holdfast/core/client/outbox.ts';
import type { OutboxStorage } from '@holdfast/link/outbox-storage.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { expect, it } from 'vitest';
import { kept, type OutboxUser, outboxContract, userOf } from '../../../link/test/outbox-contract.ts';
import { fileOutbox, listOutbox } from '../../src/client/file-outbox.ts';

let processes = 0;

interface Opened {
  readonly storage: OutboxStorage;
  readonly adopted: KeptCommand[];
  readonly damaged: string[];
}

async function opened(dataDirectory: string, server = 'here'): Promise<Opened> {
  const damaged: string[] = [];
  const adopted: KeptCommand[] = [];
  const storage = fileOutbox({
    ...{ dataDirectory, server, process: `process-${(processes += 1)}` },
    ...{ now: () => 1_700_000_000_000 + processes, onDamaged: (path: string) => damaged.push(path) },
  });
  await storage.open((commands) => adopted.push(...commands));
  return { storage, adopted, damaged };
}

outboxContract(
  'outbox in a file',
  () => {
    const directory = temporaryDirectory();
    const user = async (): Promise<OutboxUser> => {
      const { storage, adopted } = await opened(directory.path);
      return userOf(storage, adopted);
    };
    return Promise.resolve({ user, [Symbol.asyncDispose]: async () => directory[Symbol.dispose]() });
  },
  { outlives: true },
);

/** Another process that keeps commands one after the other and says each once it is kept. */
function keeper(dataDirectory: string, name: string): { child: ChildProcess; said: () => string[] } {
  const module = (path: string): string => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
  const script = `
    const { fileOutbox } = await import(${module('../../src/client/file-outbox.ts')});
    const storage = fileOutbox({ dataDirectory: ${JSON.stringify(dataDirectory)}, server: 'here',
      process: '${name}', now: Date.now, onDamaged: () => {} });
    await storage.open((commands) => { for (const { id } of commands) process.stdout.write('adopted ' + id + '\\n'); });
    process.stdout.write('open\\n');
    for (let order = 0; ; order += 1) {
      const id = '${name}-' + order;
      await storage.put({ id, sessionId: 's', order, createdAt: '2026-01-01T00:00:00.000Z', state: { status: 'saved' },
        command: { id, type: 'message.send', text: 'x'.repeat(10_000) } });
      process.stdout.write(id + '\\n');
      if (order > 0) await storage.remove('${name}-' + (order - 1)), process.stdout.write('removed\\n');
      await new Promise((next) => setTimeout(next, 2));
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return {
    child,
    said: () =>
      text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .slice(0, -1),
  };
}

it('CLI1: what was said to be kept is there after kill -9 at any moment, and nothing else, and the file is sound', async () => {
  using directory = temporaryDirectory();
  for (let round = 0; round < 3; round += 1) {
    const { child, said } = keeper(directory.path, `killed-${round}`);
    // After so many lines it is killed in the middle of something.
    for (;;) {
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      if (said().length > 2 + round * 4) break;
    }
    child.kill('SIGKILL');
    await once(child, 'close');
    const lines = said();
    const last = lines.findLast((line) => line.startsWith('killed-'));
    const { storage, adopted, damaged } = await opened(directory.path);
    expect(damaged).toEqual([]);
    const ids = adopted.map(({ id }) => id);
    expect(ids).toContain(last);
    // At most the one before (its removal was not told) and the one after (its keeping was not).
    expect(ids.length).toBeLessThanOrEqual(2);
    for (const id of ids) await storage.remove(id);
    await storage.close();
  }
  expect(listOutbox(directory.path)).toEqual([]);
});

it('CLI1: several processes keep at once; each is responsible for its own until it dies', async () => {
  using directory = temporaryDirectory();
  const both = ['one', 'two'].map((name) => keeper(directory.path, name));
  for (const { child, said } of both) {
    while (said().length < 5) await once(child.stdout as NodeJS.ReadableStream, 'data');
  }
  const during = await opened(directory.path);
  expect(during.adopted).toEqual([]);
  expect(listOutbox(directory.path).every(({ held }) => held)).toBe(true);
  for (const { child } of both) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  during.storage.rescan();
  const names = new Set(during.adopted.map(({ id }) => id.split('-')[0]));
  expect([...names].sort()).toEqual(['one', 'two']);
  const after = await opened(directory.path);
  expect(after.adopted).toEqual([]);
  await during.storage.close();
  after.storage.rescan();
  expect(after.adopted.map(({ id }) => id).sort()).toEqual(during.adopted.map(({ id }) => id).sort());
  await after.storage.close();
  expect(readdirSync(join(directory.path, 'outbox-locks'))).toEqual([]);
});

it('CLI1: whoever looks on takes nothing from the next: it gets all of one that is gone, also at that moment', async () => {
  using directory = temporaryDirectory();
  const first = await opened(directory.path);
  await first.storage.put(kept('a'));
  const raw = new DatabaseSync(join(directory.path, 'outbox.db'));
  const { owner } = raw.prepare('SELECT owner FROM commands').get() as { owner: string };
  await first.storage.close();
  // As one that looks whether it lives, in the middle of looking.
  const looking = new DatabaseSync(join(directory.path, 'outbox-locks', owner));
  looking.exec('BEGIN; SELECT count(*) FROM sqlite_schema');
  expect(listOutbox(directory.path).map(({ held }) => held)).toEqual([false]);
  const next = await opened(directory.path);
  expect(next.adopted).toEqual([kept('a')]);
  looking.close();
  raw.close();
  await next.storage.close();
});

it('CLI2: a damaged file is set aside whole, told, and a new one begun', async () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, 'outbox.db');
  const spoil: ((path: string) => void)[] = [
    (path) => writeFileSync(path, 'this is no database, and long enough to be read as a header of one. '.repeat(20)),
    (path) => truncateSync(path, 5_000),
    (path) => {
      const bytes = readFileSync(path);
      bytes.fill(0xa5, 4_096, 9_000);
      writeFileSync(path, bytes);
    },
  ];
  for (const damage of spoil) {
    const before = await opened(directory.path);
    await before.storage.put(kept('a'));
    await before.storage.close();
    damage(file);
    const content = readFileSync(file);
    const { storage, adopted, damaged } = await opened(directory.path);
    expect(adopted).toEqual([]);
    expect(damaged).toHaveLength(1);
    expect(readFileSync(damaged[0] ?? '')).toEqual(content);
    await storage.put(kept('b'));
    await storage.close();
    expect(listOutbox(directory.path).map(({ id }) => id)).toEqual(['b']);
    const next = await opened(directory.path);
    expect(next.damaged).toEqual([]);
    await next.storage.remove('b');
    await next.storage.close();
  }
});

it('CLI2: a newer version\u2019s file, and a command of one, are left as they are', async () => {
  using directory = temporaryDirectory();
  const first = await opened(directory.path);
  await first.storage.put(kept('a'));
  await first.storage.close();
  const raw = new DatabaseSync(join(directory.path, 'outbox.db'));
  raw.exec(`INSERT INTO commands VALUES ('later', 'here', 'gone', '{"id":"later","type":"unheard.of"}')`);
  const second = await opened(directory.path);
  expect(second.adopted.map(({ id }) => id)).toEqual(['a']);
  await second.storage.close();
  expect(raw.prepare('SELECT id FROM commands ORDER BY id').all()).toEqual([{ id: 'a' }, { id: 'later' }]);
  raw.exec('PRAGMA user_version = 9');
  raw.close();
  await expect(opened(directory.path)).rejects.toThrow(/newer version/);
});

it('CLI2: a file that cannot be had is a rejection, not a crash, and leaves nothing open', async () => {
  using directory = temporaryDirectory();
  writeFileSync(join(directory.path, 'outbox-locks'), 'a file where a directory should be');
  await expect(opened(directory.path)).rejects.toThrow(/EEXIST|ENOTDIR/);
});

it('CLI3: what was made for one server is not handed out for another', async () => {
  using directory = temporaryDirectory();
  const first = await opened(directory.path, 'https://a.example');
  await first.storage.put(kept('a'));
  await first.storage.close();
  const other = await opened(directory.path, 'https://b.example');
  expect(other.adopted).toEqual([]);
  await other.storage.close();
  const again = await opened(directory.path, 'https://a.example');
  expect(again.adopted).toEqual([kept('a')]);
  await again.storage.close();
});

it('OPS7: the outbox is readable by its owner only', async () => {
  using directory = temporaryDirectory();
  chmodSync(directory.path, 0o755);
  const { storage } = await opened(directory.path);
  await storage.put(kept('a'));
  expect(statSync(join(directory.path, 'outbox.db')).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory.path, 'outbox-locks')).mode & 0o777).toBe(0o700);
  await storage.close();
});
