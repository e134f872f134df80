/** kill -TERM of the server, at moments a seed chooses, while a person works on several devices and two machines. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { type Installation, agentSettings, install } from '../support/program.ts';
import { type RemoteMachine, remoteMachine } from '../support/remote-machine.ts';
import { expectSoundLog } from '../support/sound-log.ts';
import { Device } from './support/device.ts';
import { Load } from './support/load.ts';
import { Place } from './support/place.ts';
import { RecoveryTable } from './support/recovery-table.ts';
import { faultSeed, moment, soak } from './support/seed.ts';
import { Shown } from './support/shown.ts';
import { Tally } from './support/tally.ts';

const rounds = soak ? 100 : 2;
/** The demo agent's words: it writes for longer than the server is away. */
const words = 150;
/** Everybody goes within half a second; what is more is waited for in vain, ms. */
const leaveLimitMs = 2_000;

let holdfast: Installation;
let api: Api;
let far: RemoteMachine;

beforeAll(async () => {
  holdfast = await install();
  await holdfast.start();
  api = await Api.open(holdfast);
  far = remoteMachine('far', agentSettings(holdfast.environment));
  await far.start(holdfast.origin, api.key);
});
afterAll(async () => {
  await far.dispose();
  await holdfast.dispose();
});

const demo = (workspaceId: string, prompt: string) =>
  api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo', mode: 'agent', prompt } });

it('LINK15: a second signal ends it at once', async () => {
  const aborter = new AbortController();
  const headers = { authorization: `Bearer ${api.key}` };
  // One that does not go.
  const stream = await fetch(`${holdfast.origin}/api/sessions/changes`, { headers, signal: aborter.signal });
  expect(stream.status).toBe(200);
  const first = holdfast.terminate();
  await eventually('it drains', async () => (await fetch(`${holdfast.origin}/readyz`)).status === 503);
  expect(await Promise.all([first, holdfast.terminate()])).toEqual(['SIGTERM', 'SIGTERM']);
  aborter.abort();
  await holdfast.start();
});

const seed = faultSeed();
it(
  `LINK15, LINK1, LINK4, LINK6, TURN5, APPR4: ${rounds} kills -TERM under load: it leaves in its seconds, no device shows an error, nothing is lost, doubled or misordered (seed ${seed})`,
  async () => {
    const random = seededRandom(seed);
    const runners = await eventually('both are linked', async () => {
      const online = (await api.runners()).filter((one) => one.online);
      return online.length === 2 && online;
    });
    const { id: farId } = runners.find(({ name }) => name === 'far') ?? {};
    const places = [
      await Place.open('near', api, holdfast.workspaces),
      await Place.open('far', api, far.workspaces, farId),
    ];
    const workspaces = [await api.workspace('w'), await api.workspace('w', farId)];
    const load = await Load.start(holdfast.origin, api, random, places);
    const watching = (['polling', 'sse'] as const).map(
      (transport) => new Device({ url: holdfast.origin, key: api.key, transports: [transport] }),
    );
    const devices = [...load.devices, ...watching];
    const asking = await demo(workspaces[0] ?? '', 'write held.txt asked before');
    for (const device of devices) device.follow(asking);
    for (const device of watching) for (const id of places.flatMap(({ agentIds }) => agentIds)) device.follow(id);
    const { approvalId } = await api.fact(asking, 'approval.requested');
    const typed = places.map(({ shells }) => shells.typist.sessionId);
    const shown = devices.map((device) => new Shown(device, device === load.devices[1] ? typed : []));
    const planned = (): number => far.output().split('The server restarts').length - 1;
    const before = planned();
    const streams: string[] = [];
    const leaving = new RecoveryTable();
    const table = new RecoveryTable();
    try {
      for (let round = 0; round < rounds; round += 1) {
        await eventually('all live', () => devices.every((device) => device.live), 30_000);
        const fresh = await Promise.all(workspaces.map((id) => demo(id, `stream ${words}`)));
        for (const id of fresh) {
          await api.fact(id, 'turn.started');
          for (const device of devices) device.follow(id);
        }
        streams.push(...fresh);
        await moment(random.integer(1_500));
        for (const { statuses } of shown) statuses.clear();
        let began = performance.now();
        expect(await holdfast.terminate()).toBe(0);
        const left = performance.now() - began;
        leaving.add('left', left);
        expect(left).toBeLessThan(leaveLimitMs);
        began = performance.now();
        await holdfast.start();
        await load.recovered();
        await eventually('all live', () => devices.every((device) => device.live), 30_000);
        table.add('back', performance.now() - began);
        for (const { statuses } of shown) {
          expect([...statuses].filter((status) => !['moving', 'catching-up', 'live'].includes(status))).toEqual([]);
          expect(statuses).toContain('moving');
        }
      }
      expect(shown.flatMap(({ complaints }) => [...complaints])).toEqual([]);
      expect(planned()).toBe(before + rounds);
      expect(far.output()).not.toContain('The link is lost');
      load.devices[0].command(asking, { type: 'approval.answer', approvalId, answer: { decision: 'allow' } });
      await api.fact(asking, 'turn.ended', ({ outcome }) => outcome === 'completed');
      expect(readFileSync(join(holdfast.workspaces, 'w', 'held.txt'), 'utf8')).toBe('asked before\n');
      await load.finish();
      const tally = await load.tally(true);
      for (const id of [...streams, asking]) {
        await api.fact(id, 'turn.ended', ({ outcome }) => outcome === 'completed');
        expectSoundLog(await api.log(id));
      }
      for (const id of streams)
        expect(await wordsOf(id)).toEqual(Array.from({ length: words }, (_, index) => index + 1));
      for (const device of devices) {
        for (const [id, followed] of device.sessions) tally.reading(id, followed, await api.log(id));
      }
      process.stdout.write(`\n${leaving.text()}\n${table.text()}\nseed ${seed}: ${load.summary()}\n${tally.counts}\n`);
      expect(tally).toEqual(new Tally());
    } finally {
      await load.dispose();
      for (const device of watching) await device.client.close();
    }
  },
  60_000 + rounds * 60_000,
);

/** The numbers of the words that were said. */
const wordsOf = async (id: string): Promise<number[]> => {
  const text = (await api.log(id))
    .flatMap((fact) => (fact.type === 'message.assistant' ? [fact.data.text] : []))
    .join('');
  return [...text.matchAll(/-(\d+) /g)].map(([, number]) => Number(number));
};
