/** Servers that come and go as a seed says, and how long a client takes to find one that is back. */
import {
  type ConnectionEffect,
  type ConnectionEvent,
  initialConnection,
  isConnected,
  nextDeadline,
  stepConnection,
} from '@holdfast/core/client/connection.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { expect, it } from 'vitest';

/** A time in which the server is there, between two in which it is not. */
interface Life {
  readonly from: number;
  readonly until: number;
}

interface Course {
  /** For each life: ms until it was found; null: it ended before. */
  readonly found: readonly (number | null)[];
  /** Attempts begun, by clock time. */
  readonly attempts: readonly number[];
}

const refusedMs = 10;
const helloMs = 100;

/** The machine alone, on a clock that jumps from one event to the next. drains: a life's end is told before. */
function follow(lives: readonly Life[], seed: number, options: { watched: boolean; drains: boolean }): Course {
  const random = seededRandom(seed);
  let state = initialConnection;
  let at = 0;
  const attempts: number[] = [];
  const found = lives.map((): number | null => null);
  const agenda: { at: number; event: ConnectionEvent }[] = [];
  const lifeAt = (time: number): number => lives.findIndex(({ from, until }) => time >= from && time < until);
  const step = (event: ConnectionEvent): void => {
    const { state: next, effects } = stepConnection(
      state,
      event,
      { at, random: random.next() },
      { firstFailure: 'retry' },
    );
    state = next;
    effects.forEach(carryOut);
  };
  const carryOut = (effect: ConnectionEffect): void => {
    if (effect.type !== 'open') return;
    const { attemptId } = effect;
    attempts.push(at);
    const life = lifeAt(at + refusedMs);
    const lost: ConnectionEvent = { type: 'lost', attemptId, error: { kind: 'unavailable', message: 'away' } };
    if (life < 0) return void agenda.push({ at: at + refusedMs, event: lost });
    const { until } = lives[life] ?? { until: 0 };
    if (at + helloMs < until) {
      agenda.push({ at: at + helloMs, event: { type: 'opened', attemptId, serverId: `life-${life}` } });
      if (options.drains) agenda.push({ at: until - 500, event: { type: 'move', attemptId, withinMs: 400 } });
    }
    agenda.push({ at: Math.max(until, at + refusedMs), event: lost });
  };
  if (!options.watched) step({ type: 'unwatched' });
  step({ type: 'connect' });
  const end = (lives.at(-1)?.until ?? 0) + 1;
  while (at < end) {
    agenda.sort((a, b) => a.at - b.at);
    const next = agenda[0];
    const deadline = nextDeadline(state) ?? Infinity;
    if (next !== undefined && next.at <= deadline) {
      agenda.shift();
      at = Math.max(at, next.at);
      step(next.event);
    } else {
      at = Math.max(at, deadline);
      // What keeps a connection alive while it is there.
      if (isConnected(state)) step({ type: 'heard', attemptId: state.attemptId });
      step({ type: 'tick' });
    }
    const life = lifeAt(at);
    if (life >= 0 && isConnected(state)) found[life] ??= at - (lives[life]?.from ?? 0);
  }
  return { found, attempts };
}

/** count lives, each long enough to be found. */
function restarts(seed: number, count: number, downMs: (next: () => number) => number): Life[] {
  const random = seededRandom(seed);
  const next = (): number => random.next();
  const lives: Life[] = [];
  let at = 0;
  for (let life = 0; life < count; life += 1) {
    const until = at + 6_000 + next() * 10_000;
    lives.push({ from: at, until });
    at = until + downMs(next);
  }
  return lives;
}

const seeds = Array.from({ length: 200 }, (_, index) => index + 1);
const sorted = (times: readonly (number | null)[]): number[] => {
  expect(times).not.toContain(null);
  return times.map((time) => time ?? Infinity).toSorted((a, b) => a - b);
};

it.each([
  ['restarted in a second or two', (next: () => number) => 800 + next() * 1_500, false],
  ['restarted after it said so', (next: () => number) => 800 + next() * 1_500, true],
  ['away for minutes', (next: () => number) => next() * 240_000, false],
] as const)(
  'LINK14: a server that is back is found within 2 s at the median and 5 s at worst (%s)',
  (_, downMs, drains) => {
    const times = sorted(
      seeds.flatMap((seed) => follow(restarts(seed, 12, downMs), seed, { watched: true, drains }).found.slice(1)),
    );
    expect(times[Math.floor(times.length / 2)]).toBeLessThan(2_000);
    expect(times.at(-1)).toBeLessThan(5_000);
  },
);

it('LINK14: a server that is away is not hammered: each 2 s where somebody looks, four times a minute where nobody does', () => {
  const hours = 3_600_000;
  const away: Life[] = [
    { from: 0, until: 6_000 },
    { from: hours, until: hours + 60_000 },
  ];
  for (const [watched, most] of [
    [true, 2_000],
    [false, 300],
  ] as const) {
    for (const seed of seeds.slice(0, 20)) {
      const { attempts } = follow(away, seed, { watched, drains: false });
      expect(attempts.length).toBeLessThan(most);
      expect(attempts.length).toBeGreaterThan(most / 2);
    }
  }
});
