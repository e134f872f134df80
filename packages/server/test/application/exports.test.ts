import { sessionExportSchema } from '@holdfast/protocol/export.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Store } from '@holdfast/store/store.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ExportBroken, type ExportedSession } from '../../src/application/exports.ts';
import type { HoldfastApplication } from '../../src/application/holdfast-application.ts';
import { ScriptedRunner, login, must, openApplication, stranger } from './fixtures.ts';

const dayMs = 86_400_000;
let directory: ReturnType<typeof temporaryDirectory>;
let application: HoldfastApplication;
let store: Store;
let runner: ScriptedRunner;
let now: number;

beforeEach(async () => {
  directory = temporaryDirectory();
  now = Date.UTC(2026, 0, 1);
  const time = (): string => new Date(now).toISOString();
  ({ application, store } = await openApplication(directory.path, { retentionDays: 30, time }));
  runner = new ScriptedRunner(application);
  await application.whenReady();
});
afterEach(async () => {
  application.close();
  await store.close();
  directory[Symbol.dispose]();
});

async function agent(title: string, facts: number): Promise<string> {
  const [known] = must(await application.workspaces(login));
  const workspaceId = known?.id ?? must(await application.createWorkspace(login, { path: '/w' })).id;
  const body = { kind: 'agent' as const, workspaceId, title, agent: { provider: 'demo' } };
  const { id } = must(await application.createSession(login, body, null)).session;
  await talk(id, facts - 1);
  return id;
}

async function talk(sessionId: string, count: number): Promise<void> {
  const before = must(await application.session(login, sessionId)).lastSeq;
  for (let told = 0; told < count; told += 500) {
    const facts = Array.from({ length: Math.min(500, count - told) }, (_, index) => ({
      type: 'message.assistant' as const,
      data: { blockId: `b${before + told + index}`, turnId: 't', kind: 'text' as const, text: `say ${told + index}` },
    }));
    runner.report(sessionId, 'out:p', before + told + 1, facts);
  }
  await eventually('told', async () => must(await application.session(login, sessionId)).lastSeq === before + count);
}

async function read({ facts }: ExportedSession, meanwhile?: () => Promise<void>): Promise<Fact[]> {
  const all: Fact[] = [];
  for await (const page of facts) {
    all.push(...page);
    await meanwhile?.();
  }
  return all;
}

const seqs = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

it('EXPORT1, EXPORT2: all that was stored when it began, and what came meanwhile is not half of it', async () => {
  const id = await agent('long', 1_234);
  const exported = must(await application.exportSession(login, id));
  expect(exported.head).toMatchObject({ version: 1, oldestSeq: 1, lastSeq: 1_234, session: { id, title: 'long' } });
  const facts = await read(exported, () => talk(id, 7));
  expect(facts.map(({ seq }) => seq)).toEqual(seqs(1, 1_234));
  expect(sessionExportSchema.parse({ ...exported.head, facts }).facts).toEqual(facts);
});

it('EXPORT1: pages are read one at a time, when they are asked for', async () => {
  const id = await agent('long', 1_000);
  using reads = vi.spyOn(store, 'factsAfter');
  const { facts } = must(await application.exportSession(login, id));
  const reader = facts[Symbol.asyncIterator]();
  for (let page = 1; page <= 3; page += 1) {
    expect((await reader.next()).value).toHaveLength(100);
    expect(reads).toHaveBeenCalledTimes(page);
  }
  await reader.return?.();
});

it('EXPORT1: of a log that lost its front the rest is exported, and it says where that begins', async () => {
  const id = await agent('long', 1_600);
  now += 31 * dayMs;
  await talk(id, 50);
  must(await application.runRetention(login));
  const exported = must(await application.exportSession(login, id));
  expect(exported.head).toMatchObject({ oldestSeq: 651, lastSeq: 1_650 });
  expect((await read(exported)).map(({ seq }) => seq)).toEqual(seqs(651, 1_650));
});

it('EXPORT1: what is removed or deleted while it is read breaks it off, without a hole', async () => {
  const id = await agent('long', 1_600);
  now += 31 * dayMs;
  await talk(id, 50);
  const trimmed = must(await application.exportSession(login, id));
  await expect(read(trimmed, async () => void (await application.runRetention(login)))).rejects.toThrow(ExportBroken);

  const other = await agent('other', 300);
  const deleted = must(await application.exportSession(login, other));
  await expect(read(deleted, async () => void (await store.deleteSession(other)))).rejects.toThrow(ExportBroken);
});

it('EXPORT1, AUTH6: a stranger exports nothing of it', async () => {
  const id = await agent('mine', 2);
  must(await application.patchSession(login, id, { archived: true }));
  expect(await application.exportSession(stranger, id)).toMatchObject({ ok: false, error: { kind: 'not_found' } });
  expect(await titles(application.exportSessions(stranger, 'archived'))).toEqual([]);
});

it('EXPORT1: a terminal that ended is exported with its last screen', async () => {
  const { id: workspaceId } = must(await application.createWorkspace(login, { path: '/w' }));
  const created = await application.createSession(login, { kind: 'terminal', workspaceId }, null);
  const { id } = must(created).session;
  const screen = { offset: 3, cols: 80, rows: 24, ansi: '$ exit', text: '$ exit' };
  const ended = [{ type: 'session.ended' as const, data: { reason: 'exited' as const } }];
  runner.report(id, 'out:p', 1, ended, screen);
  await eventually('ended', async () => must(await application.session(login, id)).status === 'ended');
  const exported = must(await application.exportSession(login, id));
  expect(exported.head.screen).toEqual(screen);
  expect((await read(exported)).at(-1)).toMatchObject({ type: 'session.ended' });
});

it('EXPORT4: everything archived, or everything that retention would remove, one after the other', async () => {
  const away = await agent('put away', 10);
  await agent('in use', 10);
  for (const id of [away, await agent('put away too', 250)]) {
    must(await application.patchSession(login, id, { archived: true }));
  }
  expect(await titles(application.exportSessions(login, 'archived'))).toEqual(['put away 10', 'put away too 250']);
  expect(await titles(application.exportSessions(login, 'expiring'))).toEqual([]);
  const long = await agent('long', 1_300);
  now += 31 * dayMs;
  await talk(long, 10);
  expect(await titles(application.exportSessions(login, 'expiring'))).toEqual([
    'put away 10',
    'put away too 250',
    'long 1310',
  ]);
});

it('EXPORT4: one that is deleted before its turn is left out', async () => {
  const ids = [await agent('first', 5), await agent('second', 5)];
  for (const id of ids) must(await application.patchSession(login, id, { archived: true }));
  const reader = application.exportSessions(login, 'archived')[Symbol.asyncIterator]();
  expect(await reader.next()).toMatchObject({ value: { head: { session: { title: 'first' } } } });
  await store.deleteSession(ids[1] ?? '');
  expect((await reader.next()).done).toBe(true);
});

async function titles(sessions: AsyncIterable<ExportedSession>): Promise<string[]> {
  const read: string[] = [];
  for await (const { head, facts } of sessions) {
    let count = 0;
    for await (const page of facts) count += page.length;
    read.push(`${head.session.title} ${count}`);
  }
  return read;
}
