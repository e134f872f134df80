import { expect, it } from 'vitest';
import {
  answered,
  ask,
  check,
  deadAt,
  heard,
  livenessDue,
  livenessTimes,
  newLiveness,
} from '@holdfast/core/link/liveness.ts';

it('LINK8: the numbers are these, for every link and both its ends', () => {
  expect(livenessTimes).toEqual({ ping: 15_000, stale: 30_000, check: 4_000 });
});

it('LINK8: who is silent is asked after 15 s and dead after 30 s; any sign of life puts that off', () => {
  const begun = newLiveness(1_000);
  expect(livenessDue(begun)).toBe(16_000);
  const { liveness, nonce } = ask(begun, 'link', 16_000);
  expect(nonce).toBe('link-1');
  expect([livenessDue(liveness), deadAt(liveness)]).toEqual([31_000, 31_000]);
  const alive = heard(liveness, 20_000);
  expect([livenessDue(alive), deadAt(alive)]).toEqual([31_000, 50_000]);
});

it('LINK8: a check wants something within 4 s, whatever it is', () => {
  const { liveness, nonce } = check(newLiveness(0), 'link', 1_000);
  expect(deadAt(liveness)).toBe(5_000);
  expect(deadAt(heard(liveness, 1_100))).toBe(31_100);
  expect(answered(liveness, nonce, 1_040).roundTripMs).toBe(40);
  expect(answered(liveness, 'link-0', 1_040)).toMatchObject({ roundTripMs: null, liveness: { heardAt: 1_040 } });
});
