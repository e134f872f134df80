/** What happens in a run, as data: drawn from a seed, and left out one by one to find out what a failure needs. */
import { seededRandom } from '@holdfast/testkit/random.ts';

/** How often each is drawn, when the run has it at all. */
const people = {
  send: 10,
  answer: 8,
  stop: 3,
  edit: 3,
  remove: 2,
  rename: 3,
  model: 3,
  resume: 2,
  discard: 1,
  text: 3,
  keys: 8,
  retry: 1,
  older: 4,
  take: 3,
  give: 1,
  size: 4,
  leave: 2,
  end: 0.3,
} as const;
const machine = { work: 34, finish: 8, begin: 5, die: 1.5 } as const;
const faults = {
  reload: 3,
  otherTab: 1,
  resubscribe: 3,
  offline: 3,
  online: 3,
  wake: 1,
  cut: 4,
  halfOpen: 2,
  stall: 2,
  weather: 2,
  runnerCut: 2,
  runnerHalfOpen: 1,
  runnerStall: 1,
  serverCrash: 3,
  serverDrain: 2,
  runnerCrash: 3,
  runnerCrashes: 3,
  bothCrash: 1,
  holderCrash: 0.7,
} as const;

export type ActionType = keyof typeof people | keyof typeof machine | keyof typeof faults;

export interface Action {
  readonly type: ActionType;
  /** Before it, ms. */
  readonly wait: number;
  /** Chooses whom and what it concerns, whatever there is then. */
  readonly choice: number;
  /** Seeds what is drawn from it on, up to the next one. */
  readonly salt: number;
}

/** 60 to 120 actions. A run has only some kinds of faults: all at once hide what two of them do. */
export function actionsOf(seed: number): Action[] {
  const random = seededRandom(seed);
  const chosen = Object.entries(faults).filter(() => random.next() < 0.6);
  const weights: [string, number][] = [...Object.entries(people), ...Object.entries(machine), ...chosen];
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  const draw = (): ActionType => {
    let left = random.next() * total;
    for (const [type, weight] of weights) {
      left -= weight;
      if (left < 0) return type as ActionType;
    }
    return 'work';
  };
  const count = 60 + random.integer(61);
  return Array.from({ length: count }, () => ({
    type: draw(),
    wait: pauseOf(random.next()),
    choice: random.integer(2 ** 31),
    salt: random.integer(2 ** 31),
  }));
}

/** Mostly at once or soon, seldom long enough for every time-out there is. */
function pauseOf(share: number): number {
  if (share < 0.35) return 0;
  if (share < 0.8) return Math.floor(share * 100);
  if (share < 0.97) return Math.floor(share * 2_000);
  return 40_000;
}
