import { tookWords } from '#lib/session/duration.ts';
import type { Command } from './command-blocks.ts';

type Told = Pick<Command<unknown>, 'line' | 'state' | 'exitCode' | 'duration'>;

/** Who looks elsewhere is told of commands that took longer. Milliseconds. */
const long = 10_000;
const shownLine = 60;

/** Of the mark beside it. */
export function commandWords({ state, exitCode, duration }: Told): string {
  if (state === 'running') return 'Running';
  const how = exitCode === null ? 'Ended' : exitCode === 0 ? 'Done' : `Exit code ${exitCode}`;
  return duration === null ? how : `${how}, ${tookWords(duration)}`;
}

/** null: nobody has to be told. `hidden`: nobody sees the page. */
export function longCommandWords({ line, exitCode, duration }: Told, hidden: boolean): string | null {
  if (!hidden || duration === null || duration <= long) return null;
  const how = exitCode === null || exitCode === 0 ? 'ended' : `failed with exit code ${exitCode}`;
  return `${named(line)} ${how} after ${tookWords(duration)}`;
}

function named(line: string | null): string {
  const [first = '', ...rest] = (line ?? '').trim().split('\n');
  if (first === '') return 'A command';
  const characters = [...first];
  return rest.length === 0 && characters.length <= shownLine ? first : `${characters.slice(0, shownLine).join('')}…`;
}
