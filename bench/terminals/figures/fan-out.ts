/** One terminal, 20 who watch: 10 MB until the last of them has seen the end. The watchers are two processes. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { end } from '../../../e2e/support/program.ts';
import { Attached } from '../attached.ts';
import type { Address } from '../contestants/contestant.ts';
import { marks } from '../scripts.ts';
import { cpuSeconds } from '../usage.ts';
import { atMost, type Figure } from './figure.ts';

const bytes = 10_000_000;
const watchersEach = 10;
const watcherProcesses = 2;

export const fanOut: Figure = {
  name: 'fan-out',
  rows: [
    { key: 'seconds', title: '10 MB to 20 watchers, s', digits: 2, target: '≤ 0.5', met: atMost(0.5) },
    { key: 'cpu', title: '10 MB to 20 watchers, CPU s', digits: 2, target: '≤ 0.35', met: atMost(0.35) },
    { key: 'delivered', title: '10 MB to 20 watchers, MB each got', digits: 1, target: '–', met: () => null },
  ],
  measure: async (host, { scripts }) => {
    const address = await host.terminal(scripts.text(bytes));
    // Where every connection is a terminal of its own, there is nobody to watch.
    if (!host.shared) return null;
    const first = await Attached.open(address);
    const watchers: ChildProcess[] = [];
    try {
      await first.seen(marks.ready);
      for (let count = 0; count < watcherProcesses; count += 1) watchers.push(startWatchers(address));
      await Promise.all(watchers.map((child) => message(child)));
      const pids = host.pids();
      const cpu = cpuSeconds(pids);
      const begin = performance.now();
      const ended = watchers.map((child) => message(child));
      first.write('g');
      const delivered = await Promise.all(ended);
      const seconds = (performance.now() - begin) / 1_000;
      const total = delivered.reduce((sum, each) => sum + each, 0);
      return { seconds, cpu: cpuSeconds(pids) - cpu, delivered: total / 1e6 / (watcherProcesses * watchersEach) };
    } finally {
      first.close();
      for (const child of watchers) await end(child, 'SIGKILL');
    }
  },
};

function startWatchers(address: Address): ChildProcess {
  const path = fileURLToPath(new URL('../watchers.ts', import.meta.url));
  return fork(path, [JSON.stringify(address), String(watchersEach)]);
}

function message(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve(Number(value)));
    child.once('exit', (code) => reject(new Error(`the watchers ended with ${code}`)));
  });
}
