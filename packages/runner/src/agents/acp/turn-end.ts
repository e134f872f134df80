/** The agent's answer to a prompt → how the turn ended. Pure. */
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { FactData, FactDraft } from '@holdfast/protocol/fact.ts';
import { applyRequests, closeBlock } from './block.ts';
import { type AcpState, isBy, openTurnOf } from './state.ts';
import type { LineRange } from './step.ts';
import { type WireError, promptAnswerSchema } from './wire.ts';

type TurnEnded = FactData<'turn.ended'>;

/** The open turn's last facts, to be told at the line's end. What is left open is closed by the log. */
export function endOfTurn(
  state: AcpState,
  answer: { readonly result: unknown; readonly error: WireError | null },
  line: LineRange,
): { state: AcpState; facts: FactDraft[] } {
  const turn = openTurnOf(state);
  if (turn === null) return { state, facts: [] };
  const { turnId } = turn;
  const at = line.end;
  const parsed = answer.error === null ? promptAnswerSchema.safeParse(answer.result) : undefined;
  const stopReason = parsed?.success === true ? parsed.data.stopReason : undefined;
  const limit = stopReason === undefined ? undefined : limitReached[stopReason];
  const notices =
    limit === undefined ? state.notices : [...state.notices, { level: 'warning' as const, text: limit, at }];

  const closed = closeBlock({ ...state, notices }, at);
  const applied = applyRequests(closed.state.requests, at, ({ answeredAt }) => isBy(answeredAt, line.start));
  const facts = [...closed.facts, ...applied.facts];
  const usage = parsed?.success === true ? parsed.data.usage : undefined;
  const costUsd = state.cost === null ? undefined : Math.max(0, state.cost.now - state.cost.before);
  if ((usage !== undefined && usage !== null) || costUsd !== undefined || state.context !== null) {
    facts.push({
      type: 'usage',
      data: {
        turnId,
        inputTokens: usage?.inputTokens ?? 0,
        outputTokens: usage?.outputTokens ?? 0,
        ...(costUsd === undefined ? {} : { costUsd }),
        ...(state.context === null ? {} : { contextTokens: state.context.used }),
        ...(state.context === null || state.context.size === 0 ? {} : { contextWindow: state.context.size }),
      },
    });
  }
  facts.push({
    type: 'turn.ended',
    data: { turnId, ...outcomeOf(stopReason, answer.error, isBy(turn.stoppingAt, line.start)) },
  });
  return {
    state: { ...closed.state, requests: applied.requests, turn: { ...turn, endedAt: at } },
    facts,
  };
}

const limitReached: Readonly<Record<string, string>> = {
  max_tokens: 'The agent reached its limit of tokens for one answer.',
  max_turn_requests: 'The agent reached its limit of steps for one turn.',
};

const requestCancelled = -32800;
const authenticationRequired = -32000;

function outcomeOf(
  stopReason: string | undefined,
  error: WireError | null,
  stopping: boolean,
): Pick<TurnEnded, 'outcome' | 'error'> {
  // Some agents answer a cancelled prompt as a finished or a failed one.
  if (stopping || stopReason === 'cancelled' || error?.code === requestCancelled) return { outcome: 'stopped' };
  if (error !== null) return { outcome: 'failed', error: errorOf(error) };
  switch (stopReason) {
    case undefined:
      return {
        outcome: 'failed',
        error: { kind: 'unavailable', message: 'The agent ended the turn in no known way.' },
      };
    case 'refusal':
      return { outcome: 'failed', error: { kind: 'forbidden', message: 'The agent declined to answer this.' } };
    default:
      return { outcome: 'completed' };
  }
}

function errorOf(error: WireError): ErrorBody {
  const details = typeof error.data === 'string' ? `: ${error.data}` : '';
  const message = `${error.message}${details}`.slice(0, 2_000);
  return error.code === authenticationRequired
    ? { kind: 'agent_unavailable', message: `The agent needs a login. ${message}`.slice(0, 2_000) }
    : { kind: 'unavailable', message };
}
