/** kill -TERM of the server while a person works, and its restart: a planned move, of which nobody sees an error. */
import { eventually } from '@holdfast/testkit/eventually.ts';
import { chromiumPath } from '@holdfast/testkit/programs.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { type Installation, install } from '../support/program.ts';
import { Load } from './support/load.ts';
import { RecoveryTable } from './support/recovery-table.ts';
import { faultSeed, moment, soak } from './support/seed.ts';
import { Tab } from './support/tab.ts';
import { Tally } from './support/tally.ts';

const rounds = soak ? 30 : 3;
/** Load runs for up to this long before the next restart, ms. */
const calmMs = 2_000;
const chromium = chromiumPath();
const seed = faultSeed();

let holdfast: Installation;
let api: Api;
let link: string;

beforeAll(async () => {
  holdfast = await install();
  link = await holdfast.start();
  api = await Api.open(holdfast);
});
afterAll(() => holdfast.dispose());

it(
  `LINK15: ${rounds} planned restarts under load: quick, nothing is lost or doubled, and the page shows no error (seed ${seed})`,
  async () => {
    const random = seededRandom(seed);
    const table = new RecoveryTable();
    const load = await Load.start(holdfast, api, random);
    const tab = chromium === null ? null : await Tab.open(chromium, link, `${holdfast.origin}/s/${load.claudeId}`);
    try {
      const seen = await tab?.watch();
      const devices = new Set<string>();
      for (const device of load.devices) device.client.connection.subscribe(({ status }) => devices.add(status));
      for (let round = 0; round < rounds; round += 1) {
        await moment(random.integer(calmMs));
        await tab?.say(`say typed-${round}`);
        const began = performance.now();
        expect(await holdfast.terminate()).toBe(0);
        table.add('stopping', performance.now() - began);
        await holdfast.start();
        const started = performance.now();
        await load.recovered();
        await tab?.ready();
        table.add('found', performance.now() - started);
        expect(await load.tally(false), `after round ${round}`).toEqual(new Tally());
      }
      await load.finish();
      const tally = await load.tally(true);
      process.stdout.write(`\n${table.text()}\n${load.summary()}\n${tally.counts}\n`);
      expect(tally).toEqual(new Tally());
      expect([...devices].filter((status) => !['live', 'catching-up', 'moving'].includes(status))).toEqual([]);
      expect(table.worst('stopping')).toBeLessThan(10_000);
      if (tab === null || seen === undefined) return;
      for (let round = 0; round < rounds; round += 1) expect(await load.timesInLog(`say typed-${round}`)).toBe(1);
      const { statuses, complaints } = await seen();
      expect(statuses).toContain('moving');
      expect(statuses.filter((status) => !['live', 'catching-up', 'moving'].includes(status))).toEqual([]);
      expect(complaints).toEqual([]);
    } finally {
      await load.dispose();
      await tab?.close();
    }
  },
  rounds * 60_000,
);

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
