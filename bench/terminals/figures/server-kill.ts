/** kill -9 of the server under a flood: how long until keys come back, counted from the start of the next one. */
import { setTimeout as delay } from 'node:timers/promises';
import { Attached } from '../attached.ts';
import type { Address } from '../contestants/contestant.ts';
import { startFlood } from '../flood.ts';
import { marks } from '../scripts.ts';
import { atMost, type Figure } from './figure.ts';

const patienceMs = 60_000;
/** Between two attempts to connect, ms; the page's own pauses are not what is measured. */
const againMs = 10;

export const serverKill: Figure = {
  name: 'server-kill',
  rows: [
    {
      key: 'total',
      title: 'kill -9 of the server under a flood: until keys echo, s',
      digits: 2,
      target: '–',
      met: () => null,
    },
    {
      key: 'after',
      title: 'kill -9 of the server under a flood: of this after it said it is ready, s',
      digits: 2,
      target: '≤ 1',
      met: atMost(1),
    },
  ],
  measure: async (host, { scripts }) => {
    const { restart } = host;
    if (restart === null) return { total: 'lost', after: 'lost' };
    const echo = await host.terminal(scripts.echo);
    const flood = await startFlood(await host.terminal(scripts.endless));
    try {
      const before = await Attached.open(echo);
      await before.seen(marks.ready);
      const began = Promise.withResolvers<number>();
      let ready = NaN;
      const restarted = restart(() => began.resolve(performance.now())).then(() => (ready = performance.now()));
      const begin = await began.promise;
      const echoed = await keyEchoes(echo);
      await restarted;
      before.close();
      return { total: (echoed - begin) / 1_000, after: Math.max(0, echoed - ready) / 1_000 };
    } finally {
      await flood.stop();
    }
  },
};

/** When a key typed by a new client came back. */
async function keyEchoes(address: Address): Promise<number> {
  for (const limit = performance.now() + patienceMs; performance.now() < limit; await delay(againMs)) {
    const client = await Attached.open(address).catch(() => null);
    if (client === null) continue;
    try {
      client.write('~');
      await client.seen('~', 5_000);
      return performance.now();
    } catch {
      continue;
    } finally {
      client.close();
    }
  }
  throw new Error('keys do not echo');
}
