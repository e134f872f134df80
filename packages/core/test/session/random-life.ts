/** Lives of agent sessions as commands, reports and reconciliations make them: what a real log can hold. */
import type { Command } from '@holdfast/protocol/command.ts';
import type { Fact, FactDraft } from '@holdfast/protocol/fact.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { type Random, seededRandom } from '@holdfast/testkit/random.ts';
import { accept, reconcile } from '../../src/session/accept.ts';
import { apply } from '../../src/session/apply.ts';
import { decide } from '../../src/session/decide.ts';
import type { Decision } from '../../src/session/decision.ts';
import { agentBody, context, counter, created, permission } from './fixtures.ts';

function randomCommand(random: Random, state: SessionState, id: string): Command {
  const approvalId = random.pick([...Object.keys(state.agent?.approvals ?? {}), 'a-none']);
  const messageId = state.agent?.queue[0]?.messageId ?? 'none';
  return random.pick<Command>([
    { id, type: 'message.send', text: `hello ${id}` },
    { id, type: 'message.send', text: '', attachments: [{ uploadId: id, name: 'a', mediaType: 'image/png', size: 1 }] },
    { id, type: 'turn.stop' },
    { id, type: 'queue.edit', messageId, text: `better ${id}` },
    { id, type: 'queue.remove', messageId },
    { id, type: 'approval.answer', approvalId, answer: { decision: 'allow' } },
    { id, type: 'turn.resume' },
    { id, type: 'turn.discard' },
    { id, type: 'mode.set', mode: 'ask' },
    { id, type: 'model.set', model: `model ${id}` },
    { id, type: 'session.rename', title: `title ${id}` },
  ]);
}

function randomFact(random: Random, state: SessionState, id: string): FactDraft {
  const turnId = random.pick([
    state.agent?.turn?.turnId ?? 'stale',
    state.agent?.turn?.turnId ?? 'stale',
    state.agent?.nextTurn?.turnId ?? 'stale',
  ]);
  const messageId = state.agent?.turn?.messageId ?? 'm';
  const open = Object.keys(state.agent?.tools ?? {});
  const parent = random.integer(2) === 0 ? open[random.integer(open.length + 1)] : undefined;
  const parentToolCallId = parent === undefined ? {} : { parentToolCallId: parent };
  const toolCallId = random.pick([...open, `call${id}`]);
  const approvalId = random.pick([...Object.keys(state.agent?.approvals ?? {}), `a${id}`]);
  const usage = { inputTokens: random.integer(100), outputTokens: random.integer(100), costUsd: random.integer(4) / 4 };
  return random.pick<FactDraft>([
    { type: 'session.started', data: { generation: state.generation + 1 } },
    { type: 'turn.started', data: { turnId, generation: 1, messageId } },
    { type: 'turn.started', data: { turnId, generation: 1, messageId } },
    {
      type: 'turn.started',
      data: {
        turnId: `own${id}`,
        generation: state.generation || 1,
        messageId: `own${id}`,
        cause: { kind: 'unknown' },
      },
    },
    { type: 'message.assistant', data: { blockId: id, turnId, kind: 'text', text: 'x', ...parentToolCallId } },
    { type: 'tool.started', data: { toolCallId: `call${id}`, turnId, tool: 'Bash', title: 't', input: { id } } },
    {
      type: 'tool.started',
      data: { toolCallId: `call${id}`, turnId, tool: 'Task', title: 't', input: {}, ...parentToolCallId },
    },
    { type: 'tool.finished', data: { toolCallId, outcome: 'succeeded', output: { text: '', bytes: 0, cut: false } } },
    { type: 'turn.notice', data: { turnId, level: 'info', text: 'hm' } },
    { type: 'usage', data: { turnId, ...usage, ...(random.integer(2) === 0 && { contextTokens: 7 }) } },
    { type: 'agent.conversation', data: { conversationId: `conversation ${id}` } },
    permission(approvalId, turnId),
    { type: 'approval.applied', data: { approvalId } },
    { type: 'turn.ended', data: { turnId, outcome: random.pick(['completed', 'stopped', 'failed'] as const) } },
    { type: 'turn.interrupted', data: { turnId, reason: 'agent_died' } },
  ]);
}

export interface Step {
  /** ISO 8601: of its facts. */
  readonly at: string;
  readonly before: SessionState;
  readonly decision: Decision;
}

/** The session as it is made, and every decision that was taken. Times grow by a second a step. */
export function randomLife(seed: number, steps: number): { readonly born: Decision; readonly steps: readonly Step[] } {
  const random = seededRandom(seed);
  const newId = counter('t');
  const born = created(agentBody, context(newId));
  const taken: Step[] = [];
  let state = born.state;
  for (let step = 1; step <= steps; step += 1) {
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, step)).toISOString();
    const using = { ...context(newId), at };
    const kind = random.integer(20);
    let decision: Decision | null;
    if (kind < 8) {
      const result = decide(state, randomCommand(random, state, `c${seed}-${step}`), using);
      decision = result.ok ? result.value : null;
    } else if (kind < 19) {
      const facts = [randomFact(random, state, `${step}`), randomFact(random, state, `${step}b`)];
      decision = accept(state, facts, using);
    } else {
      decision = reconcile(state, null, random.integer(2) === 0, using);
    }
    if (decision === null) continue;
    taken.push({ at, before: state, decision });
    state = decision.state;
  }
  return { born, steps: taken };
}

/** The log of such a life, and what the session was after each of its facts. */
export function logOfLife(seed: number, steps: number): { facts: readonly Fact[]; states: readonly SessionState[] } {
  const life = randomLife(seed, steps);
  const decided = [{ at: context().at, decision: life.born }, ...life.steps];
  const facts = decided
    .flatMap(({ at, decision }) => decision.facts.map((fact) => ({ ...fact, at })))
    .map((fact, index): Fact => ({ ...fact, seq: index + 1 }));
  const states: SessionState[] = [];
  for (const fact of facts) states.push(apply(states.at(-1) ?? null, fact, fact.at, 'session'));
  return { facts, states };
}
