import type { Command } from '@holdfast/protocol/command.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { Driver } from '@holdfast/protocol/presence.ts';
import type { SessionStatus } from '@holdfast/protocol/session.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { type Random, seededRandom } from '@holdfast/testkit/random.ts';
import { expect, it } from 'vitest';
import { accept, releaseDriver } from '../../src/session/accept.ts';
import { decide } from '../../src/session/decide.ts';
import { type Attended, legalTransitions, shownStatus, statusOf } from '../../src/session/status.ts';
import { context, created, fold, terminalBody } from './fixtures.ts';
import { randomLife } from './random-life.ts';

const runs = 300;
const steps = 60;
const clients = ['laptop', 'phone'];
const using = {
  ...context(),
  attached: (clientId: string): Driver => ({ kind: 'user', id: 'u', device: clientId, clientId }),
};

/** What becomes of a terminal with people at it; null: nothing. */
function randomStep(random: Random, state: SessionState, id: string) {
  const clientId = random.pick(clients);
  const what = random.integer(10);
  if (what < 6) {
    const command = random.pick<Command>([
      { id, type: 'driver.take', clientId },
      { id, type: 'driver.take', clientId, from: random.pick([null, ...clients]) },
      { id, type: 'driver.give', clientId, to: random.pick(clients) },
      { id, type: 'terminal.resize', cols: 90, rows: 30, clientId },
      { id, type: 'session.rename', title: id },
    ]);
    const result = decide(state, command, using);
    return result.ok ? result.value : null;
  }
  if (what < 7) return releaseDriver(state, state.driver, using);
  const end: FactDraft = { type: 'session.ended', data: { reason: 'exited' } };
  const fact = random.pick<FactDraft>([
    { type: 'session.started', data: { generation: 1 } },
    { type: 'terminal.resized', data: { cols: 90, rows: 30 } },
  ]);
  return accept(state, [random.integer(40) === 0 ? end : fact], using);
}

/** Every state of a session, in order. */
function statesOf(seed: number): SessionState[] {
  const random = seededRandom(seed);
  if (random.integer(2) === 0) {
    const life = randomLife(seed, steps);
    return [life.born.state, ...life.steps.map(({ decision }) => decision.state)];
  }
  const born = created(terminalBody, using);
  const states = [born.state];
  const facts = [...born.facts];
  for (let step = 0; step < steps; step += 1) {
    const decision = randomStep(random, states.at(-1) ?? born.state, `c${step}`);
    if (decision === null) continue;
    states.push(decision.state);
    facts.push(...decision.facts);
  }
  expect(fold(facts), `seed ${seed}`).toEqual(states.at(-1));
  return states;
}

it(`SESSION3, LOG9: ${runs} random lives of both kinds, with people who come and go: every change of status is in the table`, () => {
  const seen = new Set<SessionStatus>();
  for (let seed = 1; seed <= runs; seed += 1) {
    const random = seededRandom(seed + runs);
    let attended: Attended = 'never';
    let before: { kept: SessionStatus; shown: SessionStatus } | null = null;
    const look = (state: SessionState): void => {
      const now = { kept: statusOf(state), shown: shownStatus(state, attended) };
      for (const which of ['kept', 'shown'] as const) {
        if (before === null || now[which] === before[which]) continue;
        const words = `seed ${seed}: ${which} ${before[which]} → ${now[which]}`;
        expect(legalTransitions[before[which]], words).toContain(now[which]);
      }
      expect(now.kept).not.toBe('suspended');
      seen.add(now.shown);
      before = now;
    };
    for (const state of statesOf(seed)) {
      look(state);
      if (random.integer(4) > 0) continue;
      attended = attended === 'now' ? 'before' : 'now';
      look(state);
    }
  }
  expect([...seen].sort()).toEqual(['active', 'creating', 'ended', 'interrupted', 'suspended', 'waiting']);
});
