import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Store } from '@holdfast/store/store.ts';
import type { SessionEvent, SubscriberSink } from '../../src/application/application.ts';
import type { HoldfastApplication } from '../../src/application/holdfast-application.ts';
import { ScriptedRunner, login, must, openApplication, stranger } from './fixtures.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
let directory: ReturnType<typeof temporaryDirectory>;
let application: HoldfastApplication;
let store: Store;
let runner: ScriptedRunner;
let now: number;
/** What waits for its time: the last that was asked for. */
let timer: { ms: number; call: () => void } | null;

async function open(retentionDays: number): Promise<void> {
  const opened = await openApplication(directory.path, {
    retentionDays,
    time: () => new Date(now).toISOString(),
    later: (ms, call) => {
      const own = { ms, call };
      timer = own;
      return () => {
        if (timer === own) timer = null;
      };
    },
  });
  ({ application, store } = opened);
  runner = new ScriptedRunner(application);
  await application.whenReady();
}

async function close(): Promise<void> {
  application.close();
  await store.close();
}

beforeEach(async () => {
  directory = temporaryDirectory();
  now = Date.UTC(2026, 0, 1);
  timer = null;
  await open(30);
});
afterEach(async () => {
  await close();
  directory[Symbol.dispose]();
});

let commands = 0;
const commandId = (): string => `command-${(commands += 1)}`;

async function start(kind: 'terminal' | 'agent', title: string): Promise<string> {
  const [known] = must(await application.workspaces(login));
  const workspaceId = known?.id ?? must(await application.createWorkspace(login, { path: '/w' })).id;
  const agent = kind === 'agent' ? { agent: { provider: 'demo' } } : {};
  return must(await application.createSession(login, { kind, workspaceId, title, ...agent }, null)).session.id;
}

async function end(sessionId: string): Promise<void> {
  runner.report(sessionId, 'out:p', 1, [{ type: 'session.ended', data: { reason: 'exited' } }]);
  await eventually('ended', async () => must(await application.session(login, sessionId)).status === 'ended');
}

async function talk(sessionId: string, count: number): Promise<void> {
  const before = must(await application.session(login, sessionId)).lastSeq;
  for (let told = 0; told < count; told += 100) {
    const facts = Array.from({ length: 100 }, (_, index) => ({
      type: 'agent.conversation' as const,
      data: { conversationId: `c${told + index}` },
    }));
    runner.report(sessionId, 'out:p', before + told, facts);
  }
  await eventually('told', async () => must(await application.session(login, sessionId)).lastSeq === before + count);
}

const titles = async (): Promise<string[]> =>
  must(await application.sessions(login, { limit: 50 }))
    .sessions.map((session) => session.title)
    .sort();

it('KEEP1, KEEP2: what is over and old goes, after it could be seen; what runs, is pinned or a conversation stays', async () => {
  const over = await start('terminal', 'over');
  const pinned = await start('terminal', 'pinned');
  const archived = await start('agent', 'archived');
  const working = await start('agent', 'working');
  await start('agent', 'idle');
  await start('terminal', 'shell');
  for (const id of [over, pinned]) await end(id);
  must(await application.patchSession(login, pinned, { pinned: true }));
  for (const id of [archived, working]) must(await application.patchSession(login, id, { archived: true }));
  must(await application.command(login, working, { id: commandId(), type: 'message.send', text: 'go' }));
  now += 20 * dayMs;
  await end(await start('terminal', 'over lately'));
  now += 11 * dayMs;

  const preview = must(await application.retentionPreview(login));
  expect(preview).toMatchObject({ retentionDays: 30, deletedSessions: 2, trimmedSessions: 0, facts: 3 });
  expect(preview.before).toBe(new Date(now - 30 * dayMs).toISOString());
  expect(preview.sessions.map(({ title, action, reason, facts }) => [title, action, reason, facts]).sort()).toEqual([
    ['archived', 'delete', 'archived', 1],
    ['over', 'delete', 'ended', 2],
  ]);
  expect(preview.bytes).toBe(preview.sessions.reduce((sum, { bytes }) => sum + bytes, 0));
  expect(must(await application.retentionPreview(stranger)).sessions).toEqual([]);
  expect(must(await application.runRetention(stranger))).toEqual({ deletedSessions: 0, trimmedSessions: 0, facts: 0 });
  expect(await titles()).toHaveLength(7);

  const events: SessionEvent[] = [];
  application.watch(login, (event) => events.push(event));
  expect(must(await application.runRetention(login))).toEqual({ deletedSessions: 2, trimmedSessions: 0, facts: 3 });
  expect(await titles()).toEqual(['idle', 'over lately', 'pinned', 'shell', 'working']);
  expect(events.map((event) => (event.type === 'sessionDeleted' ? event.sessionId : event.type)).sort()).toEqual(
    [archived, over].sort(),
  );
  // Its runner may still have an idle process of it.
  expect(runner.abandoned).toEqual([archived]);
  expect(must(await application.retentionPreview(login)).sessions).toEqual([]);
});

it('KEEP3, LOG8: a long conversation loses its old front, and who wants that is told to begin anew', async () => {
  const sessionId = await start('agent', 'long');
  await talk(sessionId, 1_600);
  now += 31 * dayMs;
  await talk(sessionId, 100);
  const preview = must(await application.retentionPreview(login));
  expect(preview).toMatchObject({ deletedSessions: 0, trimmedSessions: 1, facts: 701 });
  expect(preview.sessions).toMatchObject([{ title: 'long', action: 'trim', reason: 'long', facts: 701 }]);
  const events: SessionEvent[] = [];
  application.watch(login, (event) => events.push(event));
  expect(must(await application.runRetention(login))).toEqual({ deletedSessions: 0, trimmedSessions: 1, facts: 701 });
  expect(events).toMatchObject([{ type: 'session', session: { oldestSeq: 702, lastSeq: 1_701 } }]);

  const seen: number[] = [];
  const synced = Promise.withResolvers<number>();
  const nothing = (): void => undefined;
  const sink: SubscriberSink = {
    facts: (facts) => void seen.push(...facts.map((fact) => fact.seq)),
    synced: synced.resolve,
    preview: nothing,
    tty: nothing,
    screen: nothing,
    presence: nothing,
    closed: nothing,
    congestion: () => null,
  };
  const subscription = must(await application.subscribe(login, { sessionId, after: 300 }, sink));
  expect(subscription.resume).toMatchObject({ verdict: 'reset', oldestSeq: 702, from: 1_502 });
  expect(await synced.promise).toBe(1_701);
  expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => index + 1_502));
  subscription.close();
  // It goes on as if nothing had been.
  must(await application.command(login, sessionId, { id: commandId(), type: 'message.send', text: 'still there?' }));
  expect(must(await application.session(login, sessionId))).toMatchObject({ lastSeq: 1_702, title: 'long' });
});

it('KEEP1, KEEP5: once a day it is done by itself, repeats forgotten too, until the server is closed', async () => {
  const over = await start('terminal', 'over');
  await end(over);
  const idle = await start('agent', 'idle');
  const rename = { id: 'first', type: 'session.rename' as const, title: 'named' };
  must(await application.command(login, idle, rename));
  expect(timer?.ms).toBe(10 * 60_000);
  timer?.call();
  await eventually('the next run is planned', () => timer?.ms === 24 * hourMs);
  expect(await titles()).toEqual(['named', 'over']);
  now += 31 * dayMs;
  const planned = timer;
  timer = null;
  planned?.call();
  await eventually('another', () => timer !== null);
  expect(await titles()).toEqual(['named']);
  // Its receipt is gone: it is carried out again.
  expect(must(await application.command(login, idle, rename)).seq).toBe(3);
  application.close();
  expect(timer).toBeNull();
});

it('KEEP1: with 0 days nothing is planned and nothing goes', async () => {
  await close();
  timer = null;
  await open(0);
  await end(await start('terminal', 'over'));
  now += 3_000 * dayMs;
  expect(timer).toBeNull();
  expect(must(await application.retentionPreview(login))).toMatchObject({ retentionDays: 0, before: null, facts: 0 });
  expect(must(await application.runRetention(login))).toMatchObject({ deletedSessions: 0 });
  expect(await titles()).toEqual(['over']);
});
