/** 1 Mbit/s under a flood: what it costs us, and how long the client waits for its prompt after Ctrl-C. */
import { setTimeout as delay } from 'node:timers/promises';
import { Resources } from '@holdfast/cli/resources.ts';
import { Attached } from '../attached.ts';
import { compile, programPath, startProgram } from '../contestants/child.ts';
import { marks } from '../scripts.ts';
import { memoryBytes } from '../usage.ts';
import { atMost, type Figure } from './figure.ts';

const bytesPerSecond = 125_000;
/** Before it, as fast as it comes: what a flood costs without a slow client is not what is asked. */
const warmUpMs = 3_000;
const sampleMs = 250;
const patienceMs = 30_000;
const interrupt = '\x03';

export const slowClient: Figure = {
  name: 'slow-client',
  rows: [
    {
      key: 'growth',
      title: 'slow client (1 Mbit/s), 15 s of flood: growth of memory (PSS), MB',
      digits: 1,
      target: '≤ 8',
      met: atMost(8),
    },
    {
      key: 'prompt',
      title: 'slow client: from Ctrl-C to the prompt, s',
      digits: 2,
      target: '≤ 0.8, never disconnected',
      met: atMost(0.8),
    },
  ],
  measure: async (host, { scripts, directory, quick }) => {
    if (programPath('cc') === null) return null;
    await warmUp(await host.terminal(scripts.endless));
    const address = await host.terminal(scripts.shell);
    const owner = new Resources();
    const link = await startProgram(
      owner,
      [compile('slow-link', directory), String(bytesPerSecond), String(address.port)],
      /^(\d+)\n/,
    );
    const client = await Attached.open(address, Number(link.found));
    try {
      await client.seen(marks.prompt);
      const before = memoryBytes(host.pids());
      client.write("yes 'a line of text that has about eighty columns, as a log or the output of a build has'\r");
      const most = await highest(() => memoryBytes(host.pids()), quick ? 3_000 : 15_000);
      const growth = Math.max(0, most - before) / 1e6;
      if (client.lost) return { growth, prompt: 'disconnected' };
      const begin = performance.now();
      client.write(interrupt);
      const seen = await client.seen(marks.prompt, patienceMs).then(
        () => true,
        () => false,
      );
      if (client.lost) return { growth, prompt: 'disconnected' };
      return { growth, prompt: seen ? (performance.now() - begin) / 1_000 : `> ${patienceMs / 1_000}` };
    } finally {
      client.close();
      await owner.dispose();
    }
  },
};

async function warmUp(address: Parameters<typeof Attached.open>[0]): Promise<void> {
  const client = await Attached.open(address);
  await client.seen(marks.ready);
  client.write('g');
  await delay(warmUpMs);
  client.write(interrupt);
  client.close();
}

async function highest(look: () => number, forMs: number): Promise<number> {
  let most = 0;
  for (const end = performance.now() + forMs; performance.now() < end; await delay(sampleMs)) {
    most = Math.max(most, look());
  }
  return most;
}
