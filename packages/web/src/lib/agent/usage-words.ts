/** "context 34 % · $0.42 · 3 turns": only what the agent told. */
import type { UsageTotals } from '@holdfast/protocol/session-state.ts';
import { count } from '@holdfast/core/words/state-words.ts';

export function usageWords(usage: UsageTotals): string[] {
  const words: string[] = [];
  if (usage.contextTokens !== null && usage.contextWindow !== null) {
    words.push(`context ${Math.round((100 * usage.contextTokens) / usage.contextWindow)} %`);
  }
  if (usage.costUsd > 0) words.push(`$${usage.costUsd.toFixed(2)}`);
  if (usage.turns > 0) words.push(count(usage.turns, 'turn'));
  return words;
}
