import type { Command } from '@holdfast/protocol/command.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { type Random, seededRandom } from '@holdfast/testkit/random.ts';
import { expect, it } from 'vitest';
import { accept, reconcile } from '../../src/session/accept.ts';
import { decide } from '../../src/session/decide.ts';
import type { Decision } from '../../src/session/decision.ts';
import type { SessionState } from '../../src/session/state.ts';
import { legalTransitions, statusOf } from '../../src/session/status.ts';
import { agentBody, context, counter, created, fold, permission } from './fixtures.ts';

const runs = 300;
const steps = 60;

function randomCommand(random: Random, state: SessionState, id: string): Command {
  const approvalId = random.pick([...Object.keys(state.agent?.approvals ?? {}), 'a-none']);
  return random.pick<Command>([
    { id, type: 'message.send', text: 'hello' },
    { id, type: 'turn.stop' },
    { id, type: 'queue.remove', messageId: state.agent?.queue[0]?.messageId ?? 'none' },
    { id, type: 'approval.answer', approvalId, answer: { decision: 'allow' } },
    { id, type: 'turn.resume' },
    { id, type: 'turn.discard' },
    { id, type: 'mode.set', mode: 'ask' },
  ]);
}

function randomFact(random: Random, state: SessionState, id: string): FactDraft {
  const turnId = random.pick([state.agent?.turn?.turnId ?? 'stale', 'stale']);
  const toolCallId = random.pick([...Object.keys(state.agent?.tools ?? {}), `call${id}`]);
  const approvalId = random.pick([...Object.keys(state.agent?.approvals ?? {}), `a${id}`]);
  return random.pick<FactDraft>([
    { type: 'turn.started', data: { turnId, generation: 1, messageId: 'm' } },
    { type: 'message.assistant', data: { blockId: id, turnId, kind: 'text', text: 'x' } },
    { type: 'tool.started', data: { toolCallId, turnId, tool: 'Bash', title: 't', input: {} } },
    { type: 'tool.finished', data: { toolCallId, outcome: 'succeeded', output: { text: '', bytes: 0, cut: false } } },
    permission(approvalId, turnId),
    { type: 'approval.applied', data: { approvalId } },
    { type: 'turn.ended', data: { turnId, outcome: random.pick(['completed', 'stopped', 'failed'] as const) } },
    { type: 'turn.interrupted', data: { turnId, reason: 'agent_died' } },
  ]);
}

it(`LOG9, TURN1, TURN2: ${runs} random lives: the kept state is the fold of the log, turns end once, statuses change legally`, () => {
  for (let seed = 1; seed <= runs; seed += 1) {
    const random = seededRandom(seed);
    const newId = counter('t');
    const using = context(newId);
    let { state, facts } = created(agentBody, using) as { state: SessionState; facts: readonly FactDraft[] };
    for (let step = 0; step < steps; step += 1) {
      const before = statusOf(state);
      let decision: Decision | null;
      const kind = random.integer(20);
      if (kind < 9) {
        const result = decide(state, randomCommand(random, state, `c${seed}-${step}`), using);
        decision = result.ok ? result.value : null;
      } else if (kind < 19) {
        decision = accept(state, [randomFact(random, state, `${step}`), randomFact(random, state, `${step}b`)], using);
      } else {
        decision = reconcile(state, null, random.integer(2) === 0, using);
      }
      if (decision === null) continue;
      state = decision.state;
      facts = [...facts, ...decision.facts];
      const after = statusOf(state);
      if (after !== before) expect(legalTransitions[before], `seed ${seed}: ${before} → ${after}`).toContain(after);
      const starts = decision.instructions.filter((instruction) => instruction.type === 'turn.start');
      expect(starts.length, `seed ${seed}`).toBeLessThanOrEqual(1);
    }
    expect(fold(facts), `seed ${seed}`).toEqual(state);
    const endings = new Map<string, number>();
    for (const fact of facts) {
      const ends =
        fact.type === 'turn.ended' || (fact.type === 'turn.interrupted' && fact.data.reason !== 'discarded')
          ? fact.data.turnId
          : null;
      if (ends !== null) endings.set(ends, (endings.get(ends) ?? 0) + 1);
    }
    expect(
      [...endings.values()].every((count) => count === 1),
      `seed ${seed}`,
    ).toBe(true);
    const sent = facts.filter((fact) => fact.type === 'message.user').map((fact) => fact.data.messageId);
    expect(new Set(sent).size).toBe(sent.length);
  }
});
