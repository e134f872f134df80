/** Between the store's rows and core's pure decisions. */
import { type Result, ok } from '@holdfast/protocol/error.ts';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import type { Decision } from '@holdfast/core/session/decision.ts';
import { stateFrom } from '@holdfast/core/session/state.ts';
import { statusOf } from '@holdfast/core/session/status.ts';
import type { Change, SessionRow } from '@holdfast/store/store.ts';
import type { KeptScreen } from '@holdfast/protocol/screen.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';

/** The store keeps what core made; nobody else writes it. */
export function stateOf(row: SessionRow): SessionState {
  return stateFrom(row.state);
}

export function changeOf(decision: Decision, screen?: KeptScreen): Change {
  return {
    facts: decision.facts,
    title: decision.state.title,
    status: statusOf(decision.state),
    state: decision.state,
    turnOpen: decision.state.agent !== null && decision.state.agent.turn !== null,
    approvals: decision.approvals,
    rules: decision.rules,
    instructions: decision.instructions,
    overTurns: decision.overTurns,
    ...(screen === undefined ? {} : { screen }),
  };
}

export function toChange(decided: Result<Decision>): Result<Change> {
  return decided.ok ? ok(changeOf(decided.value)) : decided;
}

export function describe(row: SessionRow, runnerOnline: boolean): SessionDescriptor {
  const { state: _state, turnOpen: _turnOpen, ...fields } = row;
  const { terminal, agent } = stateOf(row);
  return {
    ...fields,
    runnerOnline,
    ...(terminal === null ? {} : { terminal: { cols: terminal.cols, rows: terminal.rows, exit: terminal.exit } }),
    ...(agent === null
      ? {}
      : {
          agent: {
            provider: agent.provider,
            model: agent.model,
            mode: agent.mode,
            turn: agent.turn,
            queueLength: agent.queue.length,
            pendingApprovals: Object.values(agent.approvals).filter((approval) => approval.status === 'pending').length,
          },
        }),
  };
}
