import { expect, it } from 'vitest';
import { Pacing, pacingWindow } from '../src/pacing.ts';

it('TERM5: little output is sent at once, however often it comes', () => {
  const pacing = new Pacing();
  for (let now = 0; now < 1_000; now += 1) expect(pacing.arrived(now, 1_000)).toBe(true);
});

it('TERM5: a flood waits for a block of 64 KiB', () => {
  const pacing = new Pacing();
  const sizes: number[] = [];
  let waiting = 0;
  for (let count = 0; count < 1_000; count++) {
    waiting += 2_048;
    if (!pacing.arrived(1, 2_048)) continue;
    sizes.push(waiting);
    waiting = 0;
  }
  // The first 8 KiB of a window are not known to be a flood.
  expect(sizes.slice(0, 3)).toEqual([2_048, 2_048, 2_048]);
  expect(sizes.slice(3).every((size) => size === 64 * 1024)).toBe(true);
  expect(sizes.length).toBeGreaterThan(20);
});

it('TERM5: what was sent by the timer does not count towards the next block', () => {
  const pacing = new Pacing();
  expect(pacing.arrived(0, 60 * 1024)).toBe(false);
  pacing.sent();
  expect(pacing.arrived(1, 10 * 1024)).toBe(false);
  expect(pacing.arrived(1 + pacingWindow, 100)).toBe(true);
});
