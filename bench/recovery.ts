/**
 * From kill -9 of a server with many living shells to everything being as before:
 *   node bench/recovery.ts [--sessions N] [--rounds N]
 * A client is attached to one of them; the same is measured with that shell alone, as what a start costs anyhow.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Resources } from '@holdfast/cli/resources.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { newClient } from './client.ts';
import { type StartedInstallation, startInstallation } from './installation.ts';
import { paced } from './paced.ts';
import { machine, runBench, say } from './run-bench.ts';
import { firstAnswer } from './terminals/contestants/child.ts';
import { median } from './terminals/statistics.ts';

const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '5' } },
});
const many = Number(values.sessions);
const limitMs = 120_000;

interface Recovery {
  /** Milliseconds from the kill to the first healthy answer. */
  readonly ready: number;
  /** To the echo of a key typed while the server was away, at the client that was attached. */
  readonly echo: number;
  /** To the screens of every 50th of them, one after the other. */
  readonly all: number;
}

await runBench(async (owner: Resources) => {
  const counts = [1, many];
  const rows: string[] = [];
  let base: Recovery | null = null;
  for (const count of counts) {
    const started = await startInstallation(owner);
    const workspaceId = await started.api.workspace(started.installation.workspaces);
    say(`${count} shells …`);
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const terminal = { shell: 'cat', cols: 80, rows: 24 };
      ids.push(await paced(() => started.api.create({ kind: 'terminal', workspaceId, terminal })));
    }
    for (const id of ids) await paced(() => started.api.fact(id, 'session.started'));
    const rounds: Recovery[] = [];
    for (let round = 0; round < Number(values.rounds); round += 1) rounds.push(await recover(started, ids));
    await owner.dispose();
    const of = (key: keyof Recovery): number => median(rounds.map((round) => round[key]));
    const medians: Recovery = { ready: of('ready'), echo: of('echo'), all: of('all') };
    base ??= medians;
    const first = base;
    const cells = (['ready', 'echo', 'all'] as const).map(
      (key) => `${medians[key].toFixed(0)} (${(medians[key] / first[key]).toFixed(2)})`,
    );
    rows.push(`| ${[count.toLocaleString('en'), ...cells].join(' | ')} |`);
  }
  process.stdout.write(
    `${machine()}, medians of ${values.rounds}; in brackets: of the first row\n\n` +
      '| living shells | kill -9 to ready, ms | to the echo of a key typed meanwhile, ms | to the screens of every 50th, ms |\n' +
      `|---|---|---|---|\n${rows.join('\n')}\n`,
  );
});

async function recover({ installation, api }: StartedInstallation, ids: readonly string[]): Promise<Recovery> {
  const [watched = ''] = ids;
  const client = newClient({ url: installation.origin, key: api.key });
  const headers = { authorization: `Bearer ${api.key}` };
  const answers = async (id: string): Promise<boolean> =>
    (await fetch(`${installation.origin}/api/sessions/${id}/screen?format=text`, { headers })).ok;
  try {
    let output = '';
    const handle = client.openSession(
      watched,
      { tty: { from: null } },
      {
        facts: () => {},
        reset: () => {},
        screen: ({ offset }) => handle.parsed(offset),
        tty: (offset, data) => {
          output += Buffer.from(data).toString();
          handle.parsed(offset + data.byteLength);
        },
      },
    );
    client.connect();
    await eventually('attached', () => handle.state.get() === 'live', limitMs);
    const begin = performance.now();
    const ended = installation.kill();
    const word = randomUUID();
    client.input(watched).write(`${word}\n`);
    await ended;
    const starting = installation.start();
    const [ready] = await Promise.all([firstAnswer(`${installation.origin}/readyz`, begin), starting]);
    await eventually('the echo', () => output.includes(word), limitMs);
    const echo = performance.now() - begin;
    for (const id of samples(ids)) await eventually('its screen', () => answers(id), limitMs);
    return { ready: ready * 1_000, echo, all: performance.now() - begin };
  } finally {
    await client.close();
  }
}

/** Every 50th, and the last. */
function samples(ids: readonly string[]): string[] {
  return ids.filter((_, index) => index % 50 === 0 || index === ids.length - 1);
}
