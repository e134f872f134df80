/** Pieces of decisions about turns, shared by commands, reports and reconciliation. */
import type { Actor } from '@holdfast/protocol/approval.ts';
import type { QueuedMessage } from '@holdfast/protocol/fact.ts';
import type { AgentState, SessionState } from '@holdfast/protocol/session-state.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { DecisionContext, Draft } from './decision.ts';

/** Sends a message to the agent, or queues it while a turn is open or others wait before it. */
export function sendMessage(draft: Draft, context: DecisionContext, message: QueuedMessage, actor: Actor): void {
  const agent = agentOf(draft);
  if (agent.turn === null && agent.queue.length === 0) {
    const turnId = context.newId();
    draft.add({ type: 'message.user', data: { ...message, turnId }, actor });
    instructStart(draft, context, turnId, message);
    return;
  }
  draft.add({ type: 'message.user', data: { ...message, turnId: null }, actor });
  const queued = { ...message, sentAt: context.at, actor };
  draft.add({ type: 'queue.changed', data: { queue: [...agent.queue, queued] }, actor });
  if (agent.turn === null) startNextQueued(draft, context);
}

/** Takes the first message of the queue, if there is one, nothing is open, and the session is to go on. */
export function startNextQueued(draft: Draft, context: DecisionContext): void {
  const agent = agentOf(draft);
  const [next, ...queue] = agent.queue;
  if (next === undefined || agent.turn !== null || draft.state.stopping) return;
  const turnId = context.newId();
  draft.add({ type: 'queue.changed', data: { queue, taken: { ...next, turnId } } });
  instructStart(draft, context, turnId, next);
}

/** It is of a sub-agent that was started by a call which has returned: no turn waits for it, its process lives on with it. */
export function isInBackground(tools: AgentState['tools'], toolCallId: string): boolean {
  const seen = new Set<string>();
  for (let id = toolCallId; !seen.has(id);) {
    seen.add(id);
    const parent = tools[id]?.parentToolCallId;
    if (parent === undefined) return false;
    if (tools[parent] === undefined) return true;
    id = parent;
  }
  return false;
}

/**
 * Before a turn ends without the agent's own word on them: what its tools and approvals came to, but for what goes on in
 * the background. turnId null: of every turn and of all that, for their process is gone.
 */
export function closeLooseEnds(draft: Draft, turnId: string | null, outcome: 'stopped' | 'unknown'): void {
  const agent = agentOf(draft);
  const isOver = (of: string, toolCallId: string): boolean =>
    turnId === null || (of === turnId && !isInBackground(agent.tools, toolCallId));
  for (const [toolCallId, tool] of Object.entries(agent.tools)) {
    if (isOver(tool.turnId, toolCallId)) {
      draft.add({
        type: 'tool.finished',
        data: { toolCallId, outcome, output: { text: '', bytes: 0, cut: false } },
      });
    }
  }
  for (const approval of Object.values(agent.approvals)) {
    if (isOver(approval.turnId, approval.toolCallId)) {
      draft.add({ type: 'approval.expired', data: { approvalId: approval.id, reason: 'turn_ended' } });
    }
  }
}

/** The open turn's process is gone. */
export function interruptTurn(draft: Draft, reason: 'agent_died' | 'runner_lost'): void {
  const { turn, tools } = agentOf(draft);
  if (turn === null) return;
  const tool = Object.values(tools).find((open) => open.turnId === turn.turnId)?.tool;
  closeLooseEnds(draft, null, 'unknown');
  draft.add({
    type: 'turn.interrupted',
    data: tool === undefined ? { turnId: turn.turnId, reason } : { turnId: turn.turnId, reason, tool },
  });
}

/**
 * Its process can still do something in it: it is open, or it ended while its process lives on (work in the background).
 * A turn that was interrupted is fenced, and so is one of an earlier process.
 */
export function isLiveTurn({ agent, generation }: SessionState, turnId: string): boolean {
  if (agent === null) return false;
  return (
    agent.turn?.turnId === turnId || (agent.endedTurn?.turnId === turnId && agent.endedTurn.generation === generation)
  );
}

/** A turn is open, or a tool or a question is although none is: somebody may wait for its end. */
export function isUnderWay({ end, agent }: SessionState): boolean {
  if (end !== 'none' || agent === null) return false;
  return agent.turn !== null || Object.keys(agent.tools).length > 0 || Object.keys(agent.approvals).length > 0;
}

export function queueIsFull(draft: Draft): boolean {
  const { queue } = agentOf(draft);
  const bytes = queue.reduce((sum, message) => sum + message.text.length, 0);
  return queue.length >= limits.queueLength || bytes > limits.queueBytes;
}

export function agentOf(draft: Draft): NonNullable<Draft['state']['agent']> {
  const { agent } = draft.state;
  if (agent === null) throw new Error('this decision is for agent sessions only');
  return agent;
}

function instructStart(
  draft: Draft,
  context: DecisionContext,
  turnId: string,
  { messageId, text, attachments }: QueuedMessage,
): void {
  const agent = agentOf(draft);
  draft.instruct({
    type: 'turn.start',
    sessionId: context.sessionId,
    turnId,
    messageId,
    text,
    ...(attachments === undefined ? {} : { attachments }),
    cwd: context.cwd,
    agent: {
      provider: agent.provider,
      mode: agent.mode,
      ...(agent.model === null ? {} : { model: agent.model }),
    },
    conversationId: agent.conversationId,
    nextGeneration: draft.state.generation + 1,
  });
}
