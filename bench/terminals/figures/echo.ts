/** How long a key takes to come back: in a raw program, in a shell's line, and while another session floods. */
import { marks } from '../scripts.ts';
import { startFlood } from '../flood.ts';
import { atMostTimes, type Figure, type Row } from './figure.ts';
import { spread, typeKeys } from './keys.ts';

const keys = (quick: boolean): number => (quick ? 200 : 1_000);

function rows(what: string, target: string, met: Row['met'], p95Target = '–'): Row[] {
  return [
    { key: 'p50', title: `${what}, p50 ms`, digits: 2, target, met },
    { key: 'p95', title: `${what}, p95 ms`, digits: 2, target: p95Target, met: () => null },
    { key: 'p99', title: `${what}, p99 ms`, digits: 2, target, met },
  ];
}

const idleTarget = '≤ ttyd + tmux, ≤ 1.7 × ttyd';
const idleMet = atMostTimes([1, 'ttyd + tmux'], [1.7, 'ttyd']);

export const echo: Figure = {
  name: 'echo',
  rows: rows('echo of a key, idle', idleTarget, idleMet),
  measure: async (host, { scripts, quick }) =>
    spread(await typeKeys(await host.terminal(scripts.echo), marks.ready, keys(quick), false)),
};

export const shellEcho: Figure = {
  name: 'echo-shell',
  rows: rows("echo of a key in a shell's line", idleTarget, idleMet),
  measure: async (host, { scripts, quick }) =>
    spread(await typeKeys(await host.terminal(scripts.shell), marks.prompt, keys(quick), true)),
};

export const floodedEcho: Figure = {
  name: 'echo-flood',
  rows: rows('echo of a key while another session floods', '≤ ttyd + tmux', atMostTimes([1, 'ttyd + tmux'])),
  measure: async (host, { scripts, quick }) => {
    const flood = await startFlood(await host.terminal(scripts.endless));
    try {
      return spread(await typeKeys(await host.terminal(scripts.echo), marks.ready, keys(quick), false));
    } finally {
      await flood.stop();
    }
  },
};
