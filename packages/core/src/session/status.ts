/** Which status a session has, and how statuses may follow each other. */
import type { SessionStatus } from '@holdfast/protocol/session.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { kinds } from './kinds.ts';

/** What the log says. It follows from the state; nobody sets it. */
export function statusOf(state: SessionState): SessionStatus {
  if (state.end !== 'none') return state.end;
  if (kinds[state.kind].startsAtOnce && state.generation === 0) return 'creating';
  if (state.agent === null) return 'active';
  if (Object.values(state.agent.approvals).some((approval) => approval.status === 'pending')) return 'waiting';
  if (state.agent.interruptedTurnId !== null && state.agent.turn === null) return 'interrupted';
  return 'active';
}

/** Every change of status there can be. */
export const legalTransitions: Readonly<Record<SessionStatus, readonly SessionStatus[]>> = {
  creating: ['active', 'ended', 'failed'],
  active: ['waiting', 'interrupted', 'ended', 'failed'],
  waiting: ['active', 'interrupted', 'ended', 'failed'],
  interrupted: ['active', 'waiting', 'ended', 'failed'],
  ended: [],
  failed: [],
};
