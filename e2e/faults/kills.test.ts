/**
 * kill -9 of one process after the other, at moments a seed chooses, while a person works on two devices and in a
 * browser tab. HOLDFAST_SOAK=1: 100 rounds; HOLDFAST_SEED=N: that run again.
 */
import { eventually } from '@holdfast/testkit/eventually.ts';
import { chromiumPath } from '@holdfast/testkit/programs.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { processesOf } from '../support/processes.ts';
import { type Installation, install } from '../support/program.ts';
import { Load } from './support/load.ts';
import { holderPid } from './support/measure.ts';
import { RecoveryTable } from './support/recovery-table.ts';
import { faultSeed, moment, soak } from './support/seed.ts';
import { Tab } from './support/tab.ts';
import { Tally } from './support/tally.ts';

const rounds = soak ? 100 : 5;
/** Load runs for up to this long before the next kill, ms. */
const calmMs = 1_500;
const chromium = chromiumPath();

let holdfast: Installation;
let api: Api;
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
  load = await Load.start(holdfast, api, random);
  if (chromium !== null) tab = await Tab.open(chromium, link, `${holdfast.origin}/s/${load.claudeId}`);
});
afterAll(async () => {
  try {
    await load.dispose();
    await tab?.close();
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
  holder: async () => {
    const { id } = load.terminal;
    process.kill(holderPid(holdfast), 'SIGKILL');
    expect(await api.fact(id, 'session.ended')).toEqual({ reason: 'lost' });
    await load.openTerminal();
  },
  agent: async () => {
    const running = (): number[] => processesOf('claude', `:${load.claudeId}.`);
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
  `LOG10, LINK1, LINK6, TURN2, APPR4: ${rounds} rounds of kill -9 under load (seed ${seed})`,
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
      if (kind !== 'tab') kept.push(typedIn(round));
      expect(await load.tally(false), `after round ${round}, ${kind}`).toEqual(new Tally());
    }
    await load.finish();
    const tally = await load.tally(true);
    if (tab !== null) {
      for (let round = 0; round < rounds; round += 1) {
        const times = await load.timesInLog(typedIn(round));
        // Typed into a tab that was killed at once, it may not have been kept yet, and the tab never said so.
        if (times === 0 && kept.includes(typedIn(round))) tally.lost.push(`tab: ${typedIn(round)}`);
        if (times > 1) tally.doubled.push(`tab: ${typedIn(round)}, ${times} times`);
      }
    }
    process.stdout.write(`\n${table.text()}\nseed ${seed}: ${load.summary()}\n${tally.counts}\n`);
    expect(tally).toEqual(new Tally());
  },
  rounds * 30_000,
);

const typedIn = (round: number): string => `say typed-${round}`;
