import { limits } from '@holdfast/protocol/limits.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nextTtyStep, ttyParsed, ttyReaderAt, ttySent } from '../../src/stream/tty-reader.ts';

it('STREAM4: never more in flight than the window, whatever the subscriber says', () => {
  const events = fc.array(fc.oneof(fc.constant('send' as const), fc.nat(5_000_000)), { maxLength: 300 });
  fc.assert(
    fc.property(events, (list) => {
      let reader = ttyReaderAt(0);
      let now = 0;
      const ring = { start: 0, end: 5_000_000 };
      for (const event of list) {
        now += 7;
        if (event === 'send') {
          const step = nextTtyStep(reader, ring);
          if (step.do === 'send') reader = ttySent(reader, Math.min(step.most, ring.end - step.from), now);
        } else {
          reader = ttyParsed(reader, event, now);
        }
        expect(reader.parsed).toBeLessThanOrEqual(reader.cursor);
        expect(reader.cursor - reader.parsed).toBeLessThanOrEqual(limits.creditCeiling);
        expect(reader.window).toBeGreaterThanOrEqual(limits.creditFloor);
        expect(reader.window).toBeLessThanOrEqual(limits.creditCeiling);
      }
    }),
    { seed: 3 },
  );
});

it('STREAM4: the window follows the measured rate: about a second of it', () => {
  let reader = ttyReaderAt(0);
  let now = 0;
  const bytesPerMs = 125; // 1 Mbit/s
  for (let round = 0; round < 60; round += 1) {
    const step = nextTtyStep(reader, { start: 0, end: 1e9 });
    if (step.do === 'send') reader = ttySent(reader, step.most, now);
    now += 100;
    reader = ttyParsed(reader, Math.min(reader.parsed + bytesPerMs * 100, reader.cursor), now);
  }
  expect(reader.window).toBeGreaterThan(60_000);
  expect(reader.window).toBeLessThan(200_000);
  // Also after a screen.
  const { window, rate } = reader;
  expect(ttyReaderAt(7, reader)).toEqual({ cursor: 7, parsed: 7, window, rate, mark: null });
});

it('STREAM4: how little was printed is not taken for how little the reader takes', () => {
  let reader = ttyReaderAt(0);
  // 100 bytes in a millisecond, each parsed 50 ms later, so that it is never at rest.
  for (let now = 0; now < 5_000; now += 10) {
    const step = nextTtyStep(reader, { start: 0, end: now * 100 });
    if (step.do === 'send') reader = ttySent(reader, Math.min(step.most, now * 100 - step.from), now);
    reader = ttyParsed(reader, Math.max(0, now - 50) * 100, now);
    expect(reader.cursor).toBe(now * 100);
  }
  expect(nextTtyStep(reader, { start: 0, end: reader.cursor + 600_000 }).do).toBe('send');
});

it('STREAM4: what a slow reader would see more than 2 s late is left out for a screen', () => {
  const slow = { ...ttyReaderAt(0), window: 125_000, rate: 125 };
  const quarter = limits.serverRing / 4;
  expect(nextTtyStep(slow, { start: 0, end: quarter })).toEqual({ do: 'send', from: 0, most: 125_000 });
  expect(nextTtyStep(slow, { start: 0, end: quarter + 1 })).toEqual({ do: 'screen' });
  // Quick enough, or of a rate nobody knows yet: every byte that is kept.
  const whole = { start: 0, end: limits.serverRing };
  expect(nextTtyStep({ ...slow, rate: 1_000 }, whole).do).toBe('send');
  expect(nextTtyStep({ ...slow, rate: 0 }, whole).do).toBe('send');
  expect(nextTtyStep({ ...slow, rate: 500 }, whole).do).toBe('screen');
});

it('STREAM4: a reader that fell out of the ring needs a screen, one ahead of it waits', () => {
  expect(nextTtyStep(ttyReaderAt(10), { start: 20, end: 30 })).toEqual({ do: 'screen' });
  expect(nextTtyStep(ttyReaderAt(30), { start: 20, end: 30 })).toEqual({ do: 'wait' });
  // A screen can be ahead of what has come in so far.
  expect(nextTtyStep(ttyReaderAt(31), { start: 20, end: 30 })).toEqual({ do: 'wait' });
});
