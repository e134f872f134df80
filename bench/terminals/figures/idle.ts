/** Shells in which nothing happens: what each costs, unwatched where that can be, and with a client. */
import { setTimeout as delay } from 'node:timers/promises';
import { Attached } from '../attached.ts';
import { marks } from '../scripts.ts';
import { cpuSeconds, memoryBytes } from '../usage.ts';
import { atMost, type Figure } from './figure.ts';

/** Until what was started has come to rest, ms. */
const restMs = 3_000;

export const idle: Figure = {
  name: 'idle',
  fresh: true,
  rows: [
    {
      key: 'memory',
      title: '300 idle sessions with a client each, memory (PSS) of each, KB',
      digits: 0,
      target: '≤ 100',
      met: atMost(100),
    },
    {
      key: 'unwatched',
      title: '300 idle sessions without a client, memory (PSS) of each, KB',
      digits: 0,
      target: '≤ 100',
      met: atMost(100),
    },
    { key: 'cpu', title: '300 idle sessions, % of a core', digits: 1, target: '≤ 2', met: atMost(2) },
  ],
  measure: async (host, { scripts, quick }) => {
    const count = quick ? 30 : 300;
    const seconds = quick ? 2 : 10;
    const clients: Attached[] = [];
    try {
      await delay(restMs);
      const before = memoryBytes(host.pids());
      const perSession = (): number => (memoryBytes(host.pids()) - before) / count / 1_000;
      const measured: Record<string, number> = {};
      const addresses = [];
      for (let index = 0; index < count; index += 1) addresses.push(await host.terminal(scripts.echo));
      if (host.unattended) {
        await delay(restMs);
        measured['unwatched'] = perSession();
      }
      for (const address of addresses) {
        const client = await Attached.open(address);
        clients.push(client);
        await client.seen(marks.ready);
      }
      await delay(restMs);
      measured['memory'] = perSession();
      const cpu = cpuSeconds(host.pids());
      await delay(seconds * 1_000);
      measured['cpu'] = ((cpuSeconds(host.pids()) - cpu) / seconds) * 100;
      return measured;
    } finally {
      for (const client of clients) client.close();
    }
  },
};
