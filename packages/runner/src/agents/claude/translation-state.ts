/** What is known between two of the agent's messages. Plain data; a new driver can begin without it. */
import type { TurnCause } from '@holdfast/protocol/session.ts';
import type { AgentMeta } from '../driver.ts';
import type { Verdict } from './permission.ts';
import { promptUuid } from './frame.ts';

/** A block the model is writing: text not yet told as a fact. */
export interface OpenBlock {
  readonly blockId: string;
  readonly apiMessageId: string;
  readonly kind: 'text' | 'thinking';
  readonly text: string;
  /** Its beginning was seen. Without it there is no preview, only the fact at its end. */
  readonly whole: boolean;
  readonly parentToolCallId?: string;
}

export interface OpenRequest {
  readonly approvalId: string;
  readonly toolCallId: string;
  readonly verdict: Verdict;
  /** Of a sub-agent, which may outlive the turn. */
  readonly bySubAgent: boolean;
  /** Where the request's line ends. */
  readonly position: number;
}

export interface OpenTurn {
  readonly turnId: string;
  /** null: the agent began it by itself. */
  readonly promptUuid: string | null;
  readonly stopping: boolean;
}

export interface TranslationState {
  readonly turn: OpenTurn | null;
  /** What it said that could make it begin a turn by itself. */
  readonly waking: TurnCause | null;
  /** What runs in the background, by task: what it is called. */
  readonly tasks: Readonly<Record<string, string>>;
  /** The newest turn, open or ended: what the agent says unasked belongs to it. */
  readonly lastTurnId: string | null;
  readonly conversationId: string | null;
  /** By the tool call of the sub-agent that writes, '' for the agent itself. */
  readonly blocks: Readonly<Record<string, OpenBlock>>;
  /** Requests for leave that were read here and are not settled, by request id. */
  readonly requests: Readonly<Record<string, OpenRequest>>;
  /** The newest plan, as its call had it: the request for leave may come without. */
  readonly plan: { readonly toolCallId: string; readonly input: Readonly<Record<string, unknown>> } | null;
  /** Approvals of the newest turn that the agent was seen to go on with. */
  readonly applied: readonly string[];
  /** Tokens the conversation took at the newest call of the model. */
  readonly contextTokens: number | null;
  /** The provider refused the login: this process cannot go on. */
  readonly unauthenticated: boolean;
}

/** from: where in its stream reading begins. A turn the agent began by itself beyond it is still to be read of. */
export function initialState(meta: AgentMeta, from: number): TranslationState {
  const turn = meta.turn !== null && 'position' in meta.turn && meta.turn.position > from ? null : meta.turn;
  return {
    turn:
      turn === null
        ? null
        : {
            turnId: turn.turnId,
            promptUuid: 'messageId' in turn ? promptUuid(turn.messageId) : null,
            stopping: false,
          },
    waking: null,
    tasks: {},
    lastTurnId: turn?.turnId ?? meta.lastTurnId ?? null,
    conversationId: meta.conversationId,
    blocks: {},
    requests: {},
    plan: null,
    applied: [],
    contextTokens: null,
    unauthenticated: false,
  };
}

/** The agent begins to work, and nobody has sent a message. */
export const beginOwnTurn = (state: TranslationState, turnId: string): TranslationState => ({
  ...state,
  turn: { turnId, promptUuid: null, stopping: false },
  lastTurnId: turnId,
  waking: null,
});

/** A repeat of a turn that is open or has ended changes nothing. */
export function beginTurn(state: TranslationState, turn: { turnId: string; messageId: string }): TranslationState {
  if (state.lastTurnId === turn.turnId) return state;
  return {
    ...state,
    turn: { turnId: turn.turnId, promptUuid: promptUuid(turn.messageId), stopping: false },
    lastTurnId: turn.turnId,
    waking: null,
    applied: [],
  };
}

/** Something runs in the background, or a person is asked. */
export const goesOn = ({ tasks, requests }: TranslationState): boolean =>
  Object.keys(tasks).length > 0 || Object.values(requests).some(({ verdict }) => verdict.decision === 'ask');

export const askToStop = (state: TranslationState): TranslationState =>
  state.turn === null ? state : { ...state, turn: { ...state.turn, stopping: true } };

export function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  const { [key]: _, ...rest } = record;
  return rest;
}
