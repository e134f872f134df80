import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InFlight, inFlightLimits } from '../../src/application/in-flight.ts';

/** The ids that go when these (id, session) wait. */
function sendAll(inFlight: InFlight, waiting: readonly (readonly [number, string])[]): number[] {
  inFlight.begin();
  return waiting.flatMap(([id, session]) => (id > inFlight.readTo && inFlight.take(id, session) ? [id] : []));
}

it('LINK13: a session of which many instructions are on their way waits for itself; the others do not', () => {
  const { perSession } = inFlightLimits;
  const inFlight = new InFlight();
  const many = Array.from({ length: 600 }, (_, index) => [index + 1, 'busy'] as const);
  const waiting = [...many, [601, 'other'] as const];
  expect(sendAll(inFlight, waiting)).toEqual([...many.slice(0, perSession).map(([id]) => id), 601]);
  expect(inFlight.readTo).toBe(perSession);
  const goesOn = many.slice(0, perSession).filter(([id]) => inFlight.done(id));
  expect(goesOn).toHaveLength(2);
  expect(sendAll(inFlight, waiting).at(0)).toBe(perSession + 1);
});

it('LINK2: whatever is done when, each instruction goes once, and those of a session in their order', () => {
  const life = fc.array(fc.record({ session: fc.constantFrom('a', 'b', 'c'), done: fc.nat(400) }), { maxLength: 400 });
  fc.assert(
    fc.property(life, fc.nat(5), (steps, holes) => {
      const inFlight = new InFlight();
      const waiting: [number, string][] = [];
      const sent: [number, string][] = [];
      const read = (): void => {
        for (const id of sendAll(inFlight, waiting)) sent.push(waiting.find((one) => one[0] === id) ?? [0, '']);
      };
      for (const [index, { session, done }] of steps.entries()) {
        waiting.push([(index + 1) * (holes + 1), session]);
        read();
        const one = sent[done];
        if (one === undefined || !inFlight.has(one[0])) continue;
        waiting.splice(waiting.indexOf(one), 1);
        if (inFlight.done(one[0])) read();
      }
      while (sent.some(([id]) => inFlight.has(id))) {
        const [id] = sent.find((one) => inFlight.has(one[0])) ?? [0];
        waiting.splice(
          waiting.findIndex((one) => one[0] === id),
          1,
        );
        if (inFlight.done(id)) read();
      }
      expect(sent).toHaveLength(steps.length);
      for (const session of ['a', 'b', 'c']) {
        const ids = sent.filter((one) => one[1] === session).map(([id]) => id);
        expect(ids).toEqual([...ids].sort((a, b) => a - b));
      }
    }),
  );
});
