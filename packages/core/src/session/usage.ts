/** What an agent has used up, over all its turns. */
import type { FactData } from '@holdfast/protocol/fact.ts';
import type { AgentState } from '@holdfast/protocol/session-state.ts';

/** Each usage fact tells its turn's whole so far: the latest one of a turn counts. */
export function withUsage(agent: AgentState, told: FactData<'usage'>): AgentState {
  const { usage, usageOfTurn } = agent;
  const { turnId, inputTokens, outputTokens, costUsd = 0 } = told;
  const before = usageOfTurn?.turnId === turnId ? usageOfTurn : null;
  return {
    ...agent,
    usage: {
      inputTokens: usage.inputTokens + inputTokens - (before?.inputTokens ?? 0),
      outputTokens: usage.outputTokens + outputTokens - (before?.outputTokens ?? 0),
      costUsd: usage.costUsd + costUsd - (before?.costUsd ?? 0),
      turns: usage.turns + (before === null ? 1 : 0),
      contextTokens: told.contextTokens ?? usage.contextTokens,
      contextWindow: told.contextWindow ?? usage.contextWindow,
    },
    usageOfTurn: { turnId, inputTokens, outputTokens, costUsd },
  };
}
