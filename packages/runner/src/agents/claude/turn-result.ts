/** What the agent's `result` says about the turn that it ends. */
import type { ErrorKind } from '@holdfast/protocol/error.ts';
import type { FactData, FactDraft } from '@holdfast/protocol/fact.ts';
import type { ResultMessage } from './message.ts';

const longestMessage = 2_000;

/** subtype 'success' says nothing: an error of the provider comes as success with is_error. */
export function turnOutcome(result: ResultMessage): Pick<FactData<'turn.ended'>, 'outcome' | 'error'> {
  if (result.terminal_reason?.startsWith('aborted_') === true) return { outcome: 'stopped' };
  if (!result.is_error) return { outcome: 'completed' };
  const words = result.result ?? result.errors?.join('; ') ?? '';
  const message = (words === '' ? `The agent ended the turn: ${result.subtype}` : words).slice(0, longestMessage);
  return { outcome: 'failed', error: { kind: errorKind(result.api_error_status ?? 0), message } };
}

/** status: of the provider's HTTP answer; 0 for an error of the agent's own. */
function errorKind(status: number): ErrorKind {
  if (status === 429) return 'rate_limited';
  return status >= 500 ? 'unavailable' : 'internal';
}

/** `usage` is of the turn; costs come since the last result; modelUsage counts the whole conversation. */
export function turnUsage(result: ResultMessage, turnId: string, contextTokens: number | null): FactDraft {
  const { usage } = result;
  const cost = Object.values(result.model_usage_since_last_result ?? {}).reduce(
    (sum, model) => sum + (model.costUSD ?? 0),
    0,
  );
  const windows = Object.values(result.modelUsage ?? {}).flatMap((model) => model.contextWindow ?? []);
  const contextWindow = Math.max(0, ...windows);
  return {
    type: 'usage',
    data: {
      turnId,
      inputTokens:
        (usage?.input_tokens ?? 0) + (usage?.cache_creation_input_tokens ?? 0) + (usage?.cache_read_input_tokens ?? 0),
      outputTokens: usage?.output_tokens ?? 0,
      costUsd: cost,
      ...(contextTokens === null ? {} : { contextTokens }),
      ...(contextWindow > 0 ? { contextWindow } : {}),
    },
  };
}
