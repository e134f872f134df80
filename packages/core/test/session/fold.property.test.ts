import { expect, it } from 'vitest';
import { apply } from '../../src/session/apply.ts';
import { legalTransitions, statusOf } from '../../src/session/status.ts';
import { fold } from './fixtures.ts';
import { randomLife } from './random-life.ts';

const runs = 300;
const steps = 60;

it(`LOG9, TURN1, TURN2: ${runs} random lives: the kept state is the fold of the log, turns end once, statuses change legally`, () => {
  for (let seed = 1; seed <= runs; seed += 1) {
    const life = randomLife(seed, steps);
    let state = fold(life.born.facts);
    const endings = new Map<string, number>();
    const sent: string[] = [];
    for (const { at, before, decision } of life.steps) {
      const [was, is] = [statusOf(before), statusOf(decision.state)];
      if (is !== was) expect(legalTransitions[was], `seed ${seed}: ${was} → ${is}`).toContain(is);
      const starts = decision.instructions.filter((instruction) => instruction.type === 'turn.start');
      expect(starts.length, `seed ${seed}`).toBeLessThanOrEqual(1);
      for (const fact of decision.facts) {
        state = apply(state, fact, at, 'session');
        const ends =
          fact.type === 'turn.ended' || (fact.type === 'turn.interrupted' && fact.data.reason !== 'discarded')
            ? fact.data.turnId
            : null;
        if (ends !== null) endings.set(ends, (endings.get(ends) ?? 0) + 1);
        if (fact.type === 'message.user') sent.push(fact.data.messageId);
      }
    }
    expect(state, `seed ${seed}`).toEqual((life.steps.at(-1)?.decision ?? life.born).state);
    expect(
      [...endings.values()].every((count) => count === 1),
      `seed ${seed}`,
    ).toBe(true);
    expect(new Set(sent).size).toBe(sent.length);
  }
});
