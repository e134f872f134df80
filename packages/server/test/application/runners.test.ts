/** Several runners: whose they are, what they may say, and where workspaces go. */
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { Instruction, InventoryItem, ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { type Channel, memoryChannelPair } from '@holdfast/link/channel.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import type { Store } from '@holdfast/store/store.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { HoldfastApplication } from '../../src/application/holdfast-application.ts';
import { ScriptedRunner, login, must, openApplication, stranger } from './fixtures.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let application: HoldfastApplication;
let store: Store;
let close: () => Promise<void>;

async function restart(): Promise<void> {
  await close();
  const opened = await openApplication(directory.path);
  application = opened.application;
  store = opened.store;
  close = async () => {
    application.close();
    await opened.store.close();
  };
  new ScriptedRunner(application);
  await application.whenReady();
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

interface Remote {
  readonly channel: Channel<ToServer, ToRunner>;
  readonly heard: ToRunner[];
  readonly closed: () => boolean;
  /** What the server believes to be on its way. */
  buffered: number;
}

/** Answers questions about paths; what else it says is up to the test. */
function come(ownerId: string, runnerId: string, inventory: InventoryItem[] = []): Remote {
  const remote = dial(ownerId);
  remote.channel.send({ type: 'hello', protocolVersion, runnerId, name: runnerId, roots: ['/'], inventory });
  return remote;
}

/** It has not said yet who it is. */
function dial(ownerId: string): Remote {
  const [channel, theirs] = memoryChannelPair<ToServer, ToRunner>();
  const heard: ToRunner[] = [];
  let over = false;
  channel.onClose(() => (over = true));
  channel.onMessage((message) => {
    heard.push(message);
    if (message.type !== 'ask') return;
    const path = message.question.type === 'workspace' ? `/far${message.question.path}` : '';
    channel.send({ type: 'answer', requestId: message.requestId, result: { ok: true, value: { path } } });
  });
  const remote: Remote = { channel, heard, closed: () => over, buffered: 0 };
  const counted: typeof theirs = {
    ...theirs,
    get bufferedBytes() {
      return remote.buffered;
    },
  };
  application.connectRunner(counted, ownerId);
  return remote;
}

/** What it will say once it has begun the turn it was handed. */
async function beginning(far: Remote, sessionId: string) {
  const { deliveryId, instruction } = await eventually('delivered', () => deliveries(far)[0]);
  const { turnId, messageId } = instruction as Extract<Instruction, { type: 'turn.start' }>;
  const facts: FactDraft[] = [
    { type: 'session.started', data: { generation: 1 } },
    { type: 'turn.started', data: { turnId, messageId, generation: 1 } },
  ];
  return { sessionId, source: 'deliveries', position: deliveryId, facts };
}

const welcomed = (remote: Remote) => eventually('welcomed', () => remote.heard.some((one) => one.type === 'welcome'));
const refusalOf = (remote: Remote) =>
  eventually('refused', () => remote.closed() && remote.heard.find((one) => one.type === 'refused'));
const deliveries = (remote: Remote) => remote.heard.flatMap((one) => (one.type === 'deliver' ? [one] : []));
const onlineOf = async (id: string) => must(await application.runners(login)).find((one) => one.id === id)?.online;

async function sessionOn(runnerId: string): Promise<string> {
  const workspace = must(await application.createWorkspace(login, { path: '/w', runnerId }));
  const body = { kind: 'agent' as const, workspaceId: workspace.id, agent: { provider: 'demo', prompt: 'hello' } };
  return must(await application.createSession(login, body, null)).session.id;
}

it('LINK12: a workspace lies on the machine that was named, else on the server’s own', async () => {
  const far = come(login.userId, 'far');
  await welcomed(far);
  await eventually('online', () => onlineOf('far'));
  const named = must(await application.createWorkspace(login, { path: '/w', runnerId: 'far' }));
  expect(named).toMatchObject({ runnerId: 'far', path: '/far/w' });
  expect(must(await application.createWorkspace(login, { path: '/w' }))).toMatchObject({ runnerId: 'local' });
  far.channel.close();
  await eventually('offline', async () => (await onlineOf('far')) === false);
  expect(await application.createWorkspace(login, { path: '/w', runnerId: 'far' })).toMatchObject({
    error: { kind: 'runner_offline' },
  });
});

it('LINK12, AUTH6: a machine is its owner’s alone: to others it is not there', async () => {
  await welcomed(come(login.userId, 'far'));
  await eventually('online', () => onlineOf('far'));
  expect(must(await application.runners(stranger)).map((one) => one.id)).toEqual(['local']);
  const refused = await application.createWorkspace(stranger, { path: '/w', runnerId: 'far' });
  expect(refused).toMatchObject({ ok: false, error: { kind: 'not_found' } });
});

it('LINK12: an id that belongs to another login, or to the server, is refused with a word', async () => {
  const mine = come(login.userId, 'far');
  await welcomed(mine);
  for (const taken of ['far', 'local']) {
    expect(await refusalOf(come(stranger.userId, taken))).toMatchObject({ error: { kind: 'forbidden' } });
  }
  expect(mine.closed()).toBe(false);
  const again = come(login.userId, 'far');
  await welcomed(again);
  await eventually('the earlier link is closed', () => mine.closed());
});

it('LINK12: after a restart of the server the open sessions say whose the machine is', async () => {
  await welcomed(come(login.userId, 'far'));
  await eventually('online', () => onlineOf('far'));
  const sessionId = await sessionOn('far');
  await restart();
  const thief = come(stranger.userId, 'far');
  thief.channel.send({
    type: 'report',
    report: { sessionId, source: 'out:p', position: 1, facts: [{ type: 'session.ended', data: { reason: 'lost' } }] },
  });
  await refusalOf(thief);
  expect(deliveries(thief)).toEqual([]);
  const owner = come(login.userId, 'far');
  await eventually('its instructions', () => deliveries(owner).length === 1);
  expect(must(await application.session(login, sessionId)).status).not.toBe('ended');
});

it('LINK12: after a restart a workspace says whose the machine is, also when no session is open', async () => {
  await welcomed(come(login.userId, 'far'));
  await eventually('online', () => onlineOf('far'));
  must(await application.createWorkspace(login, { path: '/w', runnerId: 'far' }));
  await restart();
  expect(await refusalOf(come(stranger.userId, 'far'))).toMatchObject({ error: { kind: 'forbidden' } });
  await welcomed(come(login.userId, 'far'));
});

it('LINK12: what a machine says of sessions that are not on it is not heard', async () => {
  const [near, far] = [come(login.userId, 'near'), come(login.userId, 'far')];
  await Promise.all([welcomed(near), welcomed(far)]);
  await eventually('online', async () => (await onlineOf('near')) === true && (await onlineOf('far')) === true);
  const sessionId = await sessionOn('near');
  const { deliveryId } = await eventually('delivered', () => deliveries(near)[0]);
  const before = must(await application.events(login, sessionId, { after: 0, limit: 100 })).lastSeq;
  const report = {
    sessionId,
    source: 'out:p',
    position: 9,
    facts: [{ type: 'agent.conversation', data: { conversationId: 'c' } }],
  };
  far.channel.send({ type: 'report', report } as ToServer);
  far.channel.send({ type: 'done', deliveryId });
  await eventually('acknowledged', () => far.heard.some((one) => one.type === 'stored'));
  expect(must(await application.events(login, sessionId, { after: 0, limit: 100 })).lastSeq).toBe(before);
  const back = come(login.userId, 'near', [{ sessionId, generation: 1, alive: false, turnId: null }]);
  await eventually('not taken for done', () => deliveries(back).some((one) => one.deliveryId === deliveryId));
});

it('LINK12: a link is of one runner: a second hello ends it', async () => {
  const far = come(login.userId, 'far');
  await welcomed(far);
  far.channel.send({ type: 'hello', protocolVersion, runnerId: 'other', name: 'x', roots: [], inventory: [] });
  await eventually('closed', () => far.closed());
  expect(await onlineOf('other')).toBeUndefined();
});

it('WIRE1, WIRE5: messages that do not fit are left out, and too many of them end the link', async () => {
  const far = come(login.userId, 'far');
  await welcomed(far);
  const misfit = { type: 'report', report: { sessionId: '../x' } } as unknown as ToServer;
  for (let count = 0; count < 100; count += 1) far.channel.send(misfit);
  await eventually('online', () => onlineOf('far'));
  await sessionOn('far');
  expect(far.closed()).toBe(false);
  far.channel.send(null as unknown as ToServer);
  await eventually('closed', () => far.closed());
});

it('LINK13: instructions wait while much is on its way to the machine, and go on as it gets some done', async () => {
  const far = come(login.userId, 'far');
  await welcomed(far);
  await eventually('online', () => onlineOf('far'));
  const sessionId = await sessionOn('far');
  await eventually('the first', () => deliveries(far).length === 1);
  far.buffered = 5 * 1024 * 1024;
  for (let number = 1; number <= 3; number += 1) {
    must(
      await application.command(login, sessionId, {
        id: `m${number}`,
        type: 'mode.set',
        mode: number === 2 ? 'auto' : 'ask',
      }),
    );
  }
  must(await application.createWorkspace(login, { path: '/after', runnerId: 'far' }));
  expect(deliveries(far)).toHaveLength(1);
  for (let done = 0; done < 4; done += 1) {
    const { deliveryId } = await eventually('the next', () => deliveries(far)[done]);
    expect(deliveries(far)).toHaveLength(done + 1);
    far.channel.send({ type: 'done', deliveryId });
  }
});

it('LINK13: what a machine does not get done in one session keeps no other session waiting', async () => {
  const far = come(login.userId, 'far');
  await welcomed(far);
  await eventually('online', () => onlineOf('far'));
  const stuck = await sessionOn('far');
  const other = await sessionOn('far');
  far.channel.close();
  for (let number = 1; number <= 600; number += 1) {
    must(await application.command(login, stuck, { id: `m${number}`, type: 'model.set', model: `model ${number}` }));
  }
  must(await application.command(login, other, { id: 'mode', type: 'mode.set', mode: 'ask' }));
  const back = come(login.userId, 'far');
  await eventually('the other session’s', () => deliveries(back).some((one) => one.instruction.type === 'mode.set'));
  const ofStuck = () => deliveries(back).filter((one) => one.instruction.sessionId === stuck);
  expect(ofStuck()).toHaveLength(100);
  for (let done = 0; done < 601; done += 1) {
    const { deliveryId } = await eventually('the next', () => ofStuck()[done]);
    back.channel.send({ type: 'done', deliveryId });
  }
  const models = ofStuck().flatMap(({ instruction }) => (instruction.type === 'model.set' ? [instruction.model] : []));
  expect(models).toEqual(Array.from({ length: 600 }, (_, index) => `model ${index + 1}`));
});

it('LINK21: once a turn has ended nothing about it is given to a machine again', async () => {
  const far = come(login.userId, 'far');
  await eventually('online', () => onlineOf('far'));
  const sessionId = await sessionOn('far');
  const { deliveryId, instruction } = await eventually('delivered', () => deliveries(far)[0]);
  const turnId = 'turnId' in instruction ? instruction.turnId : '';
  must(await application.command(login, sessionId, { id: 'stop', type: 'turn.stop' }));
  await eventually('the stop', () => deliveries(far).length === 2);
  const ended: FactDraft = { type: 'turn.ended', data: { turnId, outcome: 'stopped' } };
  const report = { sessionId, source: 'deliveries', position: deliveryId, facts: [ended] };
  far.channel.send({ type: 'report', report });
  await eventually('stored', () => far.heard.some((one) => one.type === 'stored'));
  // That they are done was never heard.
  far.channel.close();
  const back = come(login.userId, 'far');
  await eventually('online again', () => onlineOf('far'));
  must(await application.command(login, sessionId, { id: 'mode', type: 'mode.set', mode: 'auto' }));
  await eventually('the next', () => deliveries(back).length > 0);
  expect(deliveries(back).map((one) => one.instruction.type)).toEqual(['mode.set']);
});

it('LINK23: a hello that was still on its way when the machine came again is of the past: nothing is taken for lost', async () => {
  const late = dial(login.userId);
  const far = come(login.userId, 'far');
  await eventually('online', () => onlineOf('far'));
  const sessionId = await sessionOn('far');
  const report = await beginning(far, sessionId);
  far.channel.send({ type: 'report', report });
  await eventually('stored', () => far.heard.some((one) => one.type === 'stored'));
  late.channel.send({ type: 'hello', protocolVersion, runnerId: 'far', name: 'far', roots: ['/'], inventory: [] });
  await eventually('hung up', () => late.closed());
  expect([late.heard, far.closed(), await onlineOf('far')]).toEqual([[], false, true]);
  const { events } = must(await application.events(login, sessionId, { after: 0, limit: 100 }));
  expect(events.at(-1)?.type).toBe('turn.started');
});

it('LINK23: a report of the link before is stored before a new link’s word on what lives is taken', async () => {
  const far = come(login.userId, 'far');
  await eventually('online', () => onlineOf('far'));
  const sessionId = await sessionOn('far');
  const report = await beginning(far, sessionId);
  const write = store.report.bind(store);
  vi.spyOn(store, 'report').mockImplementationOnce(async (...written) => {
    // The store takes its time; what does not wait for it gets far meanwhile.
    for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    return write(...written);
  });
  far.channel.send({ type: 'report', report });
  // In the same moment: the process is gone with its holder, and another runner comes.
  const back = come(login.userId, 'far');
  await eventually('online again', () => back.heard.some((one) => one.type === 'welcome') && onlineOf('far'));
  const { events } = must(await application.events(login, sessionId, { after: 0, limit: 100 }));
  expect(events.map((fact) => fact.type).slice(-3)).toEqual(['session.started', 'turn.started', 'turn.interrupted']);
  expect(deliveries(back)).toEqual([]);
});
