import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Presence } from '@holdfast/protocol/presence.ts';
import type { SessionDescriptor, SessionStatus } from '@holdfast/protocol/session.ts';
import { reloadGraceMs } from '@holdfast/core/presence/attendance.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SubscriberSink, Subscription } from '../../src/application/application.ts';
import { driverGraceMs } from '../../src/application/drivers.ts';
import type { HoldfastApplication } from '../../src/application/holdfast-application.ts';
import { ManualClock, ScriptedRunner, login, must, openApplication } from './fixtures.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let clock: ManualClock;
let application: HoldfastApplication;
let close: () => Promise<void>;
let numbers = 0;

async function restart(): Promise<void> {
  await close();
  clock = new ManualClock();
  const { now, time, later } = clock;
  const opened = await openApplication(directory.path, { now, time, later });
  application = opened.application;
  close = async () => {
    application.close();
    await opened.store.close();
  };
}

beforeEach(async () => {
  directory = temporaryDirectory();
  close = () => Promise.resolve();
  await restart();
});
afterEach(async () => {
  await close();
  directory[Symbol.dispose]();
});

interface Follower {
  readonly told: Presence[];
  readonly facts: Fact[];
  readonly subscription: Subscription;
}

async function follow(
  sessionId: string,
  clientId: string | null,
  sink: Partial<SubscriberSink> = {},
): Promise<Follower> {
  const told: Presence[] = [];
  const facts: Fact[] = [];
  const nothing = (): void => undefined;
  const whole: SubscriberSink = {
    facts: (some) => void facts.push(...some),
    presence: (presence) => void told.push(presence),
    synced: nothing,
    preview: nothing,
    tty: nothing,
    screen: nothing,
    closed: nothing,
    congestion: () => null,
    ...sink,
  };
  const who = clientId === null ? login : { ...login, device: clientId };
  const request = { sessionId, after: 0, ...(clientId === null ? {} : { clientId }) };
  const subscription = must(await application.subscribe(who, request, whole));
  return { told, facts, subscription };
}

/** A shell that runs. */
async function terminal(runner: ScriptedRunner): Promise<string> {
  await application.whenReady();
  const workspace = must(await application.createWorkspace(login, { path: '/w' }));
  const body = { kind: 'terminal' as const, workspaceId: workspace.id };
  const { id } = must(await application.createSession(login, body, null)).session;
  const start = await eventually('delivered', () => runner.deliveries.find((one) => one.instruction.sessionId === id));
  runner.report(id, 'deliveries', start.deliveryId, [{ type: 'session.started', data: { generation: 1 } }]);
  runner.done(start.deliveryId);
  await eventually('running', async () => (await statusOf(id)) === 'active');
  return id;
}

const statusOf = async (id: string): Promise<SessionStatus> => must(await application.session(login, id)).status;
const listed = async (status: SessionStatus): Promise<string[]> =>
  must(await application.sessions(login, { status, limit: 50 })).sessions.map(({ id }) => id);
const driverOf = async (id: string): Promise<string | null> =>
  must(await application.session(login, id)).terminal?.driver?.clientId ?? null;
const devices = ({ people }: Presence): string[] => people.map(({ device }) => device);
const command = (id: string, body: Record<string, unknown>, device = 'laptop') =>
  application.command({ ...login, device }, id, { id: `c${(numbers += 1)}`, ...body } as never);
const take = (id: string, clientId: string, from?: string | null) =>
  command(id, { type: 'driver.take', clientId, ...(from === undefined ? {} : { from }) }, clientId);

it('PRESENCE1, PRESENCE2: all are told who is there, since when, and who drives; a reload is no news', async () => {
  const id = await terminal(new ScriptedRunner(application));
  const laptop = await follow(id, 'laptop');
  clock.advance(1_000);
  const phone = await follow(id, 'phone');
  clock.advance(100);
  expect(phone.told).toEqual([
    {
      people: [
        {
          ...{ clientId: 'laptop', userId: 'owner', name: 'Ada', device: 'laptop' },
          ...{ since: '2026-01-01T00:00:00.000Z', drives: false },
        },
        {
          ...{ clientId: 'phone', userId: 'owner', name: 'Ada', device: 'phone' },
          ...{ since: '2026-01-01T00:00:01.000Z', drives: false },
        },
      ],
      more: 0,
    },
  ]);
  expect(laptop.told.map(devices)).toEqual([['laptop'], ['laptop', 'phone']]);
  expect(must(await application.presence(login, id))).toEqual(phone.told[0]);

  laptop.subscription.close();
  clock.advance(reloadGraceMs - 1);
  const again = await follow(id, 'laptop');
  clock.advance(60_000);
  expect(phone.told).toHaveLength(1);
  expect(again.told).toEqual(phone.told);

  must(await take(id, 'phone'));
  clock.advance(100);
  expect(again.told.at(-1)?.people.map(({ device, drives }) => [device, drives])).toEqual([
    ['phone', true],
    ['laptop', false],
  ]);
  again.subscription.close();
  clock.advance(reloadGraceMs + 100);
  expect(phone.told.map(devices)).toEqual([['laptop', 'phone'], ['phone', 'laptop'], ['phone']]);
});

it('PRESENCE3: a crowd that comes at once is told at once; one who takes nothing gets the latest when it does', async () => {
  const id = await terminal(new ScriptedRunner(application));
  let room = Promise.withResolvers<void>();
  let congested = true;
  const slow = await follow(id, 'slow', { congestion: () => (congested ? room.promise : null) });
  const quick = await follow(id, 'quick');
  for (let index = 0; index < 60; index += 1) await follow(id, `c${index}`);
  clock.advance(100);
  expect(quick.told).toHaveLength(1);
  expect(quick.told[0]).toMatchObject({ more: 12 });
  expect(quick.told[0]?.people).toHaveLength(50);
  quick.subscription.close();
  clock.advance(reloadGraceMs + 100);
  expect(slow.told).toEqual([]);
  congested = false;
  room.resolve();
  room = Promise.withResolvers<void>();
  await eventually('the latest', () => slow.told.length > 0);
  expect(slow.told).toHaveLength(1);
  expect(slow.told[0]).toMatchObject({ more: 11 });
  expect(devices(slow.told[0] ?? { people: [], more: 0 })).not.toContain('quick');
});

it('PRESENCE4: who gives no id is somebody of its own, each time', async () => {
  const id = await terminal(new ScriptedRunner(application));
  for (let time = 0; time < 2; time += 1) await follow(id, null);
  const { people } = must(await application.presence(login, id));
  expect(new Set(people.map(({ clientId }) => clientId)).size).toBe(2);
});

it('SESSION4, SESSION5, SESSION6: suspended when all have left, active with the first who comes; lists and the watch agree', async () => {
  const runner = new ScriptedRunner(application);
  const [id, never] = [await terminal(runner), await terminal(runner)];
  const told: SessionDescriptor[] = [];
  application.watch(login, (event) => event.type === 'session' && event.session.id === id && told.push(event.session));
  const facts = must(await application.session(login, id)).lastSeq;
  const first = await follow(id, 'laptop');
  await eventually('told', () => told.length === 1);
  const second = await follow(id, 'phone');
  first.subscription.close();
  clock.advance(60_000);
  expect(await statusOf(id)).toBe('active');
  second.subscription.close();
  clock.advance(reloadGraceMs - 1);
  expect(await statusOf(id)).toBe('active');
  clock.advance(1);
  expect([await statusOf(id), await statusOf(never)]).toEqual(['suspended', 'active']);
  expect([await listed('suspended'), await listed('active')]).toEqual([[id], [never]]);
  await follow(id, 'laptop');
  expect([await statusOf(id), await listed('suspended')]).toEqual(['active', []]);
  await eventually('told', () => told.length === 3);
  expect(told.map(({ status }) => status)).toEqual(['active', 'suspended', 'active']);
  expect(must(await application.session(login, id)).lastSeq).toBe(facts);
});

it('SESSION4: a reload is told to nobody who watches the lists', async () => {
  const id = await terminal(new ScriptedRunner(application));
  const first = await follow(id, 'laptop');
  const told: string[] = [];
  application.watch(login, (event) => event.type === 'session' && told.push(event.session.status));
  first.subscription.close();
  clock.advance(reloadGraceMs - 1);
  await follow(id, 'laptop');
  clock.advance(60_000);
  must(await command(id, { type: 'session.rename', title: 'after' }));
  expect(told).toEqual(['active']);
});

it('PRESENCE5: of many who take at once what they saw free one drives, and all logs say so', async () => {
  const id = await terminal(new ScriptedRunner(application));
  const names = ['a', 'b', 'c', 'd', 'e'];
  const followers = await Promise.all(names.map((name) => follow(id, name)));
  const taken = await Promise.all(names.map((name) => take(id, name, null)));
  expect(taken.filter(({ ok }) => ok)).toHaveLength(1);
  const winner = names[taken.findIndex(({ ok }) => ok)] ?? '';
  expect(await driverOf(id)).toBe(winner);
  for (const refused of taken.filter(({ ok }) => !ok)) {
    expect(refused).toMatchObject({ error: { kind: 'conflict', details: { driver: { clientId: winner } } } });
  }
  await eventually('in every log', () => followers.every(({ facts }) => facts.at(-1)?.type === 'driver.changed'));
  clock.advance(100);
  for (const { told } of followers) expect(told.at(-1)?.people[0]).toMatchObject({ clientId: winner, drives: true });
});

it('PRESENCE6, PRESENCE9: the runner hears of sizes from the driver only, and of keys from everybody', async () => {
  const runner = new ScriptedRunner(application);
  const id = await terminal(runner);
  await follow(id, 'laptop');
  must(await take(id, 'laptop'));
  const resize = (cols: number, clientId?: string) =>
    command(id, { type: 'terminal.resize', cols, rows: 30, ...(clientId === undefined ? {} : { clientId }) });
  expect(await resize(40, 'phone')).toMatchObject({
    error: { kind: 'conflict', details: { driver: { id: 'owner' } } },
  });
  expect(await resize(41)).toMatchObject({ error: { kind: 'conflict' } });
  must(await resize(120, 'laptop'));
  must(await command(id, { type: 'terminal.write', data: 'ls\r' }, 'phone'));
  await eventually('delivered', () => runner.deliveries.length === 3);
  expect(runner.deliveries.map(({ instruction }) => instruction)).toMatchObject([
    { type: 'terminal.start' },
    { type: 'terminal.resize', cols: 120 },
    { type: 'terminal.write' },
  ]);
});

it('PRESENCE7: handing over names the receiver as it is attached; one who has left gets nothing', async () => {
  const id = await terminal(new ScriptedRunner(application));
  const phone = await follow(id, 'phone');
  await follow(id, 'laptop');
  must(await take(id, 'laptop'));
  const give = () => command(id, { type: 'driver.give', clientId: 'laptop', to: 'phone' });
  must(await give());
  expect(must(await application.session(login, id)).terminal?.driver).toEqual({
    ...{ kind: 'user', id: 'owner', name: 'Ada', device: 'phone', clientId: 'phone' },
  });
  must(await take(id, 'laptop'));
  phone.subscription.close();
  clock.advance(reloadGraceMs);
  expect(await give()).toMatchObject({ error: { kind: 'conflict' } });
  expect(await driverOf(id)).toBe('laptop');
});

it('PRESENCE8, PRESENCE10: a driver who is away for the grace is released, one who comes back is not', async () => {
  const id = await terminal(new ScriptedRunner(application));
  const watcher = await follow(id, 'phone');
  let laptop = await follow(id, 'laptop');
  must(await take(id, 'laptop'));
  const { lastActivityAt } = must(await application.session(login, id));
  laptop.subscription.close();
  clock.advance(driverGraceMs - 1);
  laptop = await follow(id, 'laptop');
  clock.advance(60_000);
  expect(await driverOf(id)).toBe('laptop');
  laptop.subscription.close();
  clock.advance(driverGraceMs - 1);
  expect(await driverOf(id)).toBe('laptop');
  clock.advance(1);
  await eventually('released', async () => (await driverOf(id)) === null);
  await eventually('told', () => watcher.facts.at(-1)?.type === 'driver.changed');
  expect(watcher.facts.at(-1)).toMatchObject({ data: { driver: null } });
  expect(must(await application.session(login, id)).lastActivityAt).toBe(lastActivityAt);
  // Then anybody may size it again.
  must(await command(id, { type: 'terminal.resize', cols: 90, rows: 30 }));
});

it('PRESENCE8: who takes it without being attached has it for the grace', async () => {
  const id = await terminal(new ScriptedRunner(application));
  must(await take(id, 'script'));
  clock.advance(driverGraceMs);
  await eventually('released', async () => (await driverOf(id)) === null);
});

it('PRESENCE8, SESSION4: after a restart the driver has its grace; then it is released, and the session is suspended', async () => {
  const runner = new ScriptedRunner(application);
  const [left, back] = [await terminal(runner), await terminal(runner)];
  for (const id of [left, back]) {
    await follow(id, 'laptop');
    must(await take(id, 'laptop'));
  }
  await restart();
  const alive = [left, back].map((sessionId) => ({ sessionId, generation: 1, alive: true, turnId: null }));
  new ScriptedRunner(application, alive);
  await application.whenReady();
  await follow(back, 'laptop');
  clock.advance(driverGraceMs - 1);
  expect([await driverOf(left), await driverOf(back)]).toEqual(['laptop', 'laptop']);
  clock.advance(1);
  await eventually('released', async () => (await driverOf(left)) === null);
  clock.advance(60_000);
  expect(await driverOf(back)).toBe('laptop');
  expect([await statusOf(left), await statusOf(back)]).toEqual(['suspended', 'active']);
});
