/** What a runner's report does to a session, or the silence of its runner or its driver. Pure. */
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { Driver } from '@holdfast/protocol/presence.ts';
import type { InventoryItem } from '@holdfast/protocol/runner.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { answerByRules, described } from './approvals.ts';
import { type Decision, type DecisionContext, Draft, type RefusedFact } from './decision.ts';
import { isSameClient } from './driver.ts';
import { kinds } from './kinds.ts';
import { closeLooseEnds, interruptTurn, isLiveTurn, startNextQueued } from './turns.ts';

/** A decision about a report: what of it was refused stands beside what was taken. */
export interface Accepted extends Decision {
  readonly refused: readonly RefusedFact[];
}

/**
 * Takes over reported facts and adds what follows from them. Facts that come too late to be true (of a fenced turn,
 * after the end), or that are not a machine's to say, are left out; the report is stored all the same, so that it is
 * not sent again.
 */
export function accept(state: SessionState, facts: readonly FactDraft[], context: DecisionContext): Accepted {
  const draft = new Draft(state, context);
  // Where the session ends with this report, what waits in its queue must not start anything any more.
  const goesOn = !facts.some(({ type }) => type === 'session.ended' || type === 'session.failed');
  for (const fact of facts) if (draft.state.end === 'none') acceptOne(draft, ofNobody(fact), goesOn, context);
  return draft;
}

/** What a machine says is in no person's name. */
function ofNobody<T extends FactDraft>(fact: T): T {
  const { actor: _, ...said } = fact;
  return said as T;
}

function acceptOne(draft: Draft, fact: FactDraft, goesOn: boolean, context: DecisionContext): void {
  const { agent } = draft.state;
  switch (fact.type) {
    case 'session.started':
      if (fact.data.generation <= draft.state.generation) return;
      // What an earlier process left open, no process speaks for any more.
      if (agent !== null) closeLooseEnds(draft, null, 'unknown');
      draft.add(fact);
      return;
    case 'session.ended':
    case 'session.failed':
      kinds[draft.state.kind].end(draft);
      draft.add(fact);
      return;
    case 'turn.started':
      if (fact.data.cause !== undefined) return acceptOwnTurn(draft, fact);
      // Its runner hands over one after the other: the one before is over, and nobody is left to tell how.
      if (agent?.nextTurn?.turnId === fact.data.turnId) interruptTurn(draft, 'agent_died');
      // Told again by every new driver; only the first time is news.
      if (isDispatched(draft.state, fact.data.turnId)) draft.add(fact);
      return;
    case 'turn.ended':
      if (agent?.nextTurn?.turnId === fact.data.turnId) return draft.add(fact);
      if (agent?.turn?.turnId !== fact.data.turnId) return;
      closeLooseEnds(draft, fact.data.turnId, fact.data.outcome === 'stopped' ? 'stopped' : 'unknown');
      draft.add(fact);
      // After a failure the next message would most likely fail too: it waits for the person.
      if (goesOn && fact.data.outcome !== 'failed') startNextQueued(draft, context);
      return;
    case 'turn.interrupted':
      if (agent?.turn?.turnId === fact.data.turnId && fact.data.reason !== 'discarded') {
        interruptTurn(draft, fact.data.reason);
      }
      return;
    case 'tool.started':
      if (agent === null || !isLiveTurn(draft.state, fact.data.turnId)) {
        return draft.refuse(fact, `turn ${fact.data.turnId} is over`);
      }
      if (agent.tools[fact.data.toolCallId] !== undefined) {
        return draft.refuse(fact, `call ${fact.data.toolCallId} is under way already`);
      }
      draft.add(fact);
      return;
    case 'tool.finished':
      if (agent?.tools[fact.data.toolCallId] === undefined) {
        return draft.refuse(fact, `call ${fact.data.toolCallId} is not under way`);
      }
      draft.add(fact);
      return;
    case 'approval.requested':
    case 'question.requested':
      // Asked again after a re-attach: the row is there already.
      if (agent === null || agent.approvals[fact.data.approvalId] !== undefined) return;
      if (!isLiveTurn(draft.state, fact.data.turnId)) return draft.refuse(fact, `turn ${fact.data.turnId} is over`);
      draft.add({ ...fact, data: described(fact.data, context) });
      answerByRules(draft, context);
      return;
    case 'approval.applied':
      if (agent?.approvals[fact.data.approvalId]?.status === 'answered') draft.add(fact);
      return;
    case 'approval.expired':
      if (agent?.approvals[fact.data.approvalId] !== undefined) draft.add(fact);
      return;
    case 'message.assistant':
    case 'turn.notice':
    case 'usage':
    case 'agent.conversation':
    case 'terminal.exited':
    case 'terminal.resized':
    case 'terminal.recording.started':
    case 'terminal.recording.ended':
      draft.add(fact);
      return;
    default:
      draft.refuse(fact, 'it is not a machine’s to say');
  }
}

/**
 * The agent has begun by itself: nobody is asked, for it works. What the person sent and it has not been handed is next;
 * what it was handed is under way and would have been told first.
 */
function acceptOwnTurn(draft: Draft, fact: Extract<FactDraft, { type: 'turn.started' }>): void {
  const { agent, generation, stopping } = draft.state;
  const { turnId } = fact.data;
  if (agent === null || agent.turn?.turnId === turnId || agent.endedTurn?.turnId === turnId) return;
  if (stopping) return draft.refuse(fact, 'the session is ending');
  if (fact.data.generation !== generation) return draft.refuse(fact, `its process is not number ${generation}`);
  if (agent.turn !== null && agent.turn.generation > 0) {
    return draft.refuse(fact, `turn ${agent.turn.turnId} is under way`);
  }
  draft.add(fact);
}

/** It is on its way to the runner, which has not said that it runs. */
const isDispatched = ({ agent }: SessionState, turnId: string): boolean =>
  agent?.turn?.turnId === turnId && agent.turn.generation === 0;

/**
 * Compares a session with what its runner says is there. item: the runner's word on it, or null for "nothing".
 * startPending: the instruction that begins its terminal or its open turn is not known to be done. That it was begun
 * may be known all the same: then it is not begun again, in another process, under the same turn.
 */
export function reconcile(
  state: SessionState,
  item: InventoryItem | null,
  startPending: boolean,
  context: DecisionContext,
): Decision {
  const draft = new Draft(state, context);
  const kind = kinds[state.kind];
  // What comes up behind what was lost is looked at, too.
  while (draft.state.end === 'none' && !kind.stands(draft.state, item, startPending)) kind.lose(draft);
  return draft;
}

/** `gone` has been away for too long (null: it came back after all). Nothing happens if it does not drive any more. */
export function releaseDriver(state: SessionState, gone: Driver | null, context: DecisionContext): Decision {
  const draft = new Draft(state, context);
  if (state.end === 'none' && isSameClient(state.driver, gone)) {
    draft.add({ type: 'driver.changed', data: { driver: null } });
  }
  return draft;
}
