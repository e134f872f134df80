/** What a session is after its facts so far: how it begins, and how it is read where an older build kept it. */
import type { AgentState, SessionState, UsageTotals } from '@holdfast/protocol/session-state.ts';

export const defaultTerminalSize = { cols: 80, rows: 24 } as const;

export const noUsage: UsageTotals = {
  inputTokens: 0,
  outputTokens: 0,
  costUsd: 0,
  turns: 0,
  contextTokens: null,
  contextWindow: null,
};

/** Of an agent nobody has sent a message yet. */
export const newAgent: Omit<AgentState, 'provider'> = {
  model: null,
  mode: 'agent',
  conversationId: null,
  turn: null,
  nextTurn: null,
  endedTurn: null,
  interruptedTurnId: null,
  interruption: null,
  queue: [],
  approvals: {},
  tools: {},
  usage: noUsage,
  usageOfTurn: null,
};

/** What this or an older build kept: a field that came later is as in a session of which it was never told. */
export function stateFrom(stored: unknown): SessionState {
  const state = stored as SessionState;
  const { terminal, agent } = state;
  return {
    ...state,
    error: state.error ?? null,
    stopping: state.stopping ?? false,
    driver: state.driver ?? null,
    everDriven: state.everDriven ?? false,
    // Not all of it: the first builds kept the shell's environment here too.
    terminal: terminal && {
      ...{ cols: terminal.cols, rows: terminal.rows, exit: terminal.exit },
      ...(terminal.recording === undefined ? {} : { recording: terminal.recording }),
    },
    agent: agent && { ...newAgent, ...agent },
  };
}
