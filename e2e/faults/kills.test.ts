/**
 * kill -9 of one process after the other, at moments a seed chooses, while a person works on two devices and in a
 * browser tab, on the server's machine and on one that dials in. HOLDFAST_SOAK=1: 100 rounds; HOLDFAST_SEED=N: that run again.
 */
import { eventually } from '@holdfast/testkit/eventually.ts';
import { chromiumPath } from '@holdfast/testkit/programs.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { processesOf } from '../support/processes.ts';
import { type Installation, agentSettings, install } from '../support/program.ts';
import { type RemoteMachine, remoteMachine } from '../support/remote-machine.ts';
import { Load } from './support/load.ts';
import { holderPid } from './support/measure.ts';
import { Place } from './support/place.ts';
import { RecoveryTable } from './support/recovery-table.ts';
import { faultSeed, moment, soak } from './support/seed.ts';
import { Tab } from './support/tab.ts';
import { Tally } from './support/tally.ts';

const rounds = soak ? 100 : 5;
/** Load runs for up to this long before the next kill, ms. */
const calmMs = 1_500;
/** Two machines, their agents and a browser, on a slow one. */
const startLimitMs = 300_000;
const chromium = chromiumPath();

let holdfast: Installation;
let api: Api;
let far: RemoteMachine;
let places: { readonly near: Place; readonly far: Place };
let load: Load;
let tab: Tab | null = null;

const seed = faultSeed();
const random = seededRandom(seed);
const table = new RecoveryTable();
/** Typed into the tab in rounds in which the tab itself lived. */
const kept: string[] = [];

beforeAll(async () => {
  holdfast = await install();
  const link = await holdfast.start();
  api = await Api.open(holdfast);
  far = remoteMachine('far', agentSettings(holdfast.environment));
  await far.start(holdfast.origin, api.key);
  const runners = await api.runners();
  const { id } = runners.find(({ name }) => name === 'far') ?? {};
  places = {
    near: await Place.open('near', api, holdfast.workspaces),
    far: await Place.open('far', api, far.workspaces, id),
  };
  load = await Load.start(holdfast.origin, api, random, [places.near, places.far]);
  if (chromium !== null) tab = await Tab.open(chromium, link, `${holdfast.origin}/s/${places.near.claudeId}`);
}, startLimitMs);
afterAll(async () => {
  try {
    await load.dispose();
    await tab?.close();
    await far.dispose();
  } finally {
    await holdfast.dispose();
  }
});

/** Each kills one kind of process and does what a supervisor or the person does after it; nothing else. */
const faults: Readonly<Record<string, () => Promise<void>>> = {
  server: async () => {
    await holdfast.kill();
    await holdfast.start();
  },
  runner: async () => {
    await far.kill();
    await far.start(holdfast.origin, api.key);
  },
  holder: async () => {
    const place = random.pick(['near', 'far'] as const);
    const { shells } = places[place];
    process.kill(holderPid(place === 'near' ? holdfast : far), 'SIGKILL');
    expect(await api.fact(shells.printing, 'session.ended')).toEqual({ reason: 'lost' });
    await places[place].openShells(load.devices);
  },
  agent: async () => {
    const place = places[random.pick(['near', 'far'] as const)];
    const [program, id] = random.pick([['claude', place.claudeId] as const, ['demo/main.ts', place.demoId] as const]);
    const running = (): number[] => processesOf(program, `:${id}.`);
    const pids = await eventually('the agent process', () => running().length > 0 && running(), 30_000);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
  },
  ...(chromium === null
    ? {}
    : {
        tab: async () => {
          await tab?.kill();
          await tab?.reopen();
        },
      }),
};

it(
  `LOG10, LINK1, LINK2, LINK4, LINK6, TURN2, APPR4: ${rounds} rounds of kill -9 under load (seed ${seed})`,
  async () => {
    const kinds = Object.keys(faults);
    for (let round = 0; round < rounds; round += 1) {
      // Every kind has its turn; after that the seed picks.
      const kind = kinds[round] ?? random.pick(kinds);
      await moment(random.integer(calmMs));
      await tab?.say(typedIn(round));
      await moment(random.integer(100));
      const began = performance.now();
      await faults[kind]?.();
      await load.recovered();
      await tab?.ready();
      table.add(kind, performance.now() - began);
      process.stdout.write(`round ${round}: ${kind}\n`);
      if (kind !== 'tab') kept.push(typedIn(round));
      expect(await load.tally(false), `after round ${round}, ${kind}`).toEqual(new Tally());
    }
    await load.finish();
    const tally = await load.tally(true);
    if (tab !== null) {
      const log = await api.log(places.near.claudeId);
      const said = log.flatMap((fact) => (fact.type === 'message.user' ? [fact.data.text] : []));
      for (let round = 0; round < rounds; round += 1) {
        const times = said.filter((text) => text === typedIn(round)).length;
        // Typed into a tab that was killed at once, it may not have been kept yet, and the tab never said so.
        if (times === 0 && kept.includes(typedIn(round))) tally.lost.push(`tab: ${typedIn(round)}`);
        if (times > 1) tally.doubled.push(`tab: ${typedIn(round)}, ${times} times`);
      }
    }
    process.stdout.write(`\n${table.text()}\nseed ${seed}: ${load.summary()}\n${tally.counts}\n`);
    expect(tally).toEqual(new Tally());
  },
  rounds * 60_000,
);

const typedIn = (round: number): string => `say typed-${round}`;
