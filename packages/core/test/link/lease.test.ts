import fc from 'fast-check';
import { expect, it } from 'vitest';
import { leaseTimes, renewal } from '../../src/link/lease.ts';

it('TURN14: while something is under way the runner is asked every 30 s at most, never when nothing is', () => {
  const step = fc.record({
    underWay: fc.boolean(),
    passes: fc.integer({ min: 0, max: 20_000 }),
    random: fc.float({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 0;
      let due: number | null = null;
      let since: number | null = null;
      for (const { underWay, passes, random } of steps) {
        // Looked at whenever it changes, and when it is due.
        now = due === null ? now + passes : Math.min(now + passes, due);
        const next = renewal(due, underWay, now, random);
        expect(next.ask).toBe(underWay && due !== null && now >= due);
        if (!underWay) {
          expect(next.due).toBeNull();
          since = null;
        } else {
          if (since === null || next.ask) since = now;
          expect(next.due).not.toBeNull();
          const pause = (next.due ?? 0) - since;
          expect(pause).toBeLessThanOrEqual(leaseTimes.renewal);
          expect(pause).toBeGreaterThanOrEqual(leaseTimes.renewal * (1 - leaseTimes.jitter) - 1e-6);
        }
        due = next.due;
      }
    }),
  );
});
