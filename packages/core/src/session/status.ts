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

/** Whether anybody is attached to a session: now, not any more, or not ever as far as is known. */
export type Attended = 'now' | 'before' | 'never';

/**
 * What lists and pages say: as the log, but what is alive, has nothing under way and was left by all who were attached
 * is suspended. What nobody has ever attached to is not: programs that never do wait for `active`.
 */
export function shownStatus(state: SessionState, attended: Attended): SessionStatus {
  const status = statusOf(state);
  if (status !== 'active' || (state.agent !== null && state.agent.turn !== null)) return status;
  const left = attended === 'before' || (attended === 'never' && state.everDriven);
  return left ? 'suspended' : 'active';
}

/** Every change of status there can be, as the log has it and as it is shown. */
export const legalTransitions: Readonly<Record<SessionStatus, readonly SessionStatus[]>> = {
  creating: ['active', 'suspended', 'ended', 'failed'],
  active: ['suspended', 'waiting', 'interrupted', 'ended', 'failed'],
  suspended: ['active', 'waiting', 'ended', 'failed'],
  waiting: ['active', 'suspended', 'interrupted', 'ended', 'failed'],
  interrupted: ['active', 'suspended', 'waiting', 'ended', 'failed'],
  ended: [],
  failed: [],
};
