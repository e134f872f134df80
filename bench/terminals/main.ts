/**
 * Our terminals beside ttyd, ttyd with tmux, and what the machine allows, in one run with the contestants taking turns.
 * Usage: node bench/terminals/main.ts [figure…] [--rounds N] [--only CONTESTANT] [--quick]
 * Prints a Markdown table. See README.md.
 */
import { parseArgs } from 'node:util';
import { Resources } from '@holdfast/cli/resources.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import type { Contestant, Host } from './contestants/contestant.ts';
import { holdfast, ours } from './contestants/holdfast.ts';
import { limit } from './contestants/limit.ts';
import { ttyd, ttydWithTmux } from './contestants/ttyd.ts';
import type { Figure, Measured, Setting } from './figures/figure.ts';
import { throughput } from './figures/throughput.ts';
import { echo, floodedEcho, shellEcho } from './figures/echo.ts';
import { fanOut } from './figures/fan-out.ts';
import { idle } from './figures/idle.ts';
import { reconnect } from './figures/reconnect.ts';
import { serverKill } from './figures/server-kill.ts';
import { slowClient } from './figures/slow-client.ts';
import { start } from './figures/start.ts';
import { machine, runBench, say } from '../run-bench.ts';
import { type Outcome, table } from './report.ts';
import { makeScripts } from './scripts.ts';

const figures: readonly Figure[] = [
  throughput,
  echo,
  shellEcho,
  floodedEcho,
  slowClient,
  reconnect,
  fanOut,
  idle,
  start,
  serverKill,
];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter((name) => !figures.some((figure) => figure.name === name));
if (unknown.length > 0) {
  process.stderr.write(`no figure ${unknown.join(', ')}; there are: ${figures.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}

await runBench(run);

async function run(owner: Resources): Promise<void> {
  const temporary = temporaryDirectory();
  owner.add(() => temporary[Symbol.dispose]());
  const directory = temporary.path;
  const { quick } = values;
  const setting: Setting = { scripts: makeScripts(directory, quick ? 2_000_000 : 20_000_000), directory, quick };
  const contestants = [limit(directory), ttyd(), ttydWithTmux(directory), holdfast()].filter(
    ({ name }) => values.only === undefined || values.only.includes(name),
  );
  const outcomes: Outcome[] = [];
  for (const figure of figures) {
    if (positionals.length > 0 && !positionals.includes(figure.name)) continue;
    outcomes.push(await measure(owner, figure, contestants, setting));
  }
  process.stdout.write(
    `\n${machine()}, medians of ${values.rounds}\n\n` +
      `${table(
        outcomes,
        contestants.map(({ name }) => name),
        ours,
      )}\n`,
  );
  for (const { name, missing } of contestants) if (missing !== null) process.stdout.write(`\n${name}: ${missing}\n`);
}

/** Every contestant once, then again: what else the machine does meets them all alike. */
async function measure(
  owner: Resources,
  figure: Figure,
  contestants: readonly Contestant[],
  setting: Setting,
): Promise<Outcome> {
  const rounds = new Map<string, Measured[] | string | null>();
  const hosts = new Map<Contestant, Host>();
  const started = new Resources();
  owner.add(() => started.dispose());
  const hostOf = async (contestant: Contestant): Promise<Host> => {
    const known = hosts.get(contestant);
    if (known !== undefined) return known;
    const host = await contestant.start(started);
    if (figure.fresh !== true) hosts.set(contestant, host);
    return host;
  };
  for (const { name, missing } of contestants) rounds.set(name, missing === null ? [] : 'missing');
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    for (const contestant of contestants) {
      const { name } = contestant;
      const known = rounds.get(name);
      if (!Array.isArray(known)) continue;
      const measured = await figure.measure(await hostOf(contestant), setting);
      if (figure.fresh === true) await started.dispose();
      if (measured === null) rounds.set(name, null);
      else known.push(measured);
      say(`${figure.name} ${round} ${name}: ${measured === null ? '–' : words(measured)}`);
    }
  }
  await started.dispose();
  return { figure, rounds };
}

function words(measured: Measured): string {
  return Object.entries(measured)
    .map(([key, value]) => `${key} ${typeof value === 'number' ? value.toFixed(3) : value}`)
    .join(', ');
}
