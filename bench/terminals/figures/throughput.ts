/** 100 MB of text, read as fast as it comes. tmux draws the screen anew instead, so little of it reaches the client. */
import { Attached } from '../attached.ts';
import { marks } from '../scripts.ts';
import { cpuSeconds } from '../usage.ts';
import { atLeastTimes, atMostTimes, type Figure } from './figure.ts';

export const throughput: Figure = {
  name: 'throughput',
  rows: [
    {
      key: 'rate',
      title: '100 MB of text to a fast client, MB/s',
      digits: 1,
      target: '≥ 1.0 × ttyd, ≥ 0.8 × limit',
      met: atLeastTimes([1, 'ttyd'], [0.8, 'limit (C)']),
    },
    {
      key: 'cpu',
      title: 'CPU s per 100 MB',
      digits: 2,
      target: '≤ 1.3 × ttyd, ≤ 0.55 × ttyd + tmux',
      met: atMostTimes([1.3, 'ttyd'], [0.55, 'ttyd + tmux']),
    },
    { key: 'delivered', title: 'of these, MB that reached the client', digits: 1, target: '–', met: () => null },
  ],
  measure: async (host, { scripts, quick }) => {
    const bytes = quick ? 10_000_000 : 100_000_000;
    const client = await Attached.open(await host.terminal(scripts.text(bytes)));
    try {
      await client.seen(marks.ready);
      const pids = host.pids();
      const cpu = cpuSeconds(pids);
      const before = client.bytes;
      const begin = performance.now();
      client.write('g');
      await client.seen(marks.done);
      const seconds = (performance.now() - begin) / 1_000;
      return {
        rate: bytes / 1e6 / seconds,
        cpu: (cpuSeconds(pids) - cpu) * (1e8 / bytes),
        delivered: (client.bytes - before) / 1e6,
      };
    } finally {
      client.close();
    }
  },
};
