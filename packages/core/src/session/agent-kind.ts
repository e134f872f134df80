/** A coding agent: turns, a queue, approvals. */
import type { Command } from '@holdfast/protocol/command.ts';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { QueuedMessage } from '@holdfast/protocol/fact.ts';
import { answerApproval } from './approvals.ts';
import type { Kind } from './kind.ts';
import { newAgent } from './state.ts';
import { agentOf, closeLooseEnds, interruptTurn, isUnderWay, queueIsFull, sendMessage } from './turns.ts';

const continuation = 'You were interrupted. Look at what has been done so far and go on from there.';
/** UTF-16 units of a first prompt that become the title. */
const titleLength = 80;

export const agentKind: Kind = {
  startsAtOnce: false,
  worksWhileAlive: false,
  hasScreen: false,

  options({ agent }) {
    if (agent === undefined) return fail('bad_request', 'A session of kind "agent" needs agent: {provider}.');
    const { provider, model, mode = 'agent' } = agent;
    return ok({ agent: { provider, mode, ...(model === undefined ? {} : { model }) } });
  },

  title({ agent }, workspaceName) {
    const [line = ''] = agent?.prompt?.trim().split('\n') ?? [];
    return line === '' ? `${agent?.provider ?? 'Agent'} in ${workspaceName}` : line.slice(0, titleLength);
  },

  initial: ({ agent }) => ({
    terminal: null,
    agent:
      agent === undefined
        ? null
        : {
            ...newAgent,
            provider: agent.provider,
            model: agent.model ?? newAgent.model,
            mode: agent.mode ?? newAgent.mode,
          },
  }),

  begin(draft, { agent }, messageId, context) {
    if (agent?.prompt !== undefined) sendMessage(draft, context, { messageId, text: agent.prompt }, context.actor);
  },

  decide(draft, command, context) {
    const agent = agentOf(draft);
    const { sessionId, actor } = context;
    switch (command.type) {
      case 'message.send':
        if (draft.state.stopping) return isEnding;
        if (queueIsFull(draft))
          return fail('quota_exceeded', 'The queue is full; wait for the agent or remove a message.');
        sendMessage(draft, context, messageOf(command), actor);
        return ok(draft);
      case 'turn.stop':
        if (agent.turn === null) return fail('conflict', 'Nothing is running.');
        if (isOther(command, agent.turn.turnId))
          return fail('conflict', 'That turn has ended; another one is running.');
        if (agent.turn.phase === 'stopping') return ok(draft);
        draft.add({ type: 'turn.stopping', data: { turnId: agent.turn.turnId }, actor });
        draft.instruct({ type: 'turn.stop', sessionId, turnId: agent.turn.turnId });
        return ok(draft);
      case 'queue.edit':
      case 'queue.remove': {
        const at = agent.queue.findIndex((message) => message.messageId === command.messageId);
        if (at < 0) return fail('conflict', 'That message is no longer waiting.');
        const queue =
          command.type === 'queue.remove'
            ? agent.queue.toSpliced(at, 1)
            : agent.queue.map((message, index) => (index === at ? { ...message, text: command.text } : message));
        draft.add({ type: 'queue.changed', data: { queue }, actor });
        return ok(draft);
      }
      case 'mode.set':
        draft.add({ type: 'mode.changed', data: { mode: command.mode }, actor });
        draft.instruct({ type: 'mode.set', sessionId, mode: command.mode });
        return ok(draft);
      case 'model.set':
        draft.add({ type: 'model.changed', data: { model: command.model }, actor });
        draft.instruct({ type: 'model.set', sessionId, model: command.model });
        return ok(draft);
      case 'approval.answer': {
        const approval = agent.approvals[command.approvalId];
        if (approval === undefined) return fail('not_found', 'No such approval is open in this session.');
        return answerApproval(draft, approval, command.answer, context);
      }
      case 'turn.resume':
        if (draft.state.stopping) return isEnding;
        if (agent.interruptedTurnId === null || isOther(command, agent.interruptedTurnId)) return notInterrupted;
        sendMessage(draft, context, { messageId: command.id, text: continuation }, actor);
        return ok(draft);
      case 'turn.discard':
        if (agent.interruptedTurnId === null || isOther(command, agent.interruptedTurnId)) return notInterrupted;
        draft.add({ type: 'turn.interrupted', data: { turnId: agent.interruptedTurnId, reason: 'discarded' }, actor });
        return ok(draft);
      case 'terminal.write':
      case 'terminal.resize':
      case 'terminal.record':
      case 'driver.take':
      case 'driver.give':
        return null;
    }
  },

  end(draft) {
    while (agentOf(draft).turn !== null) interruptTurn(draft, 'agent_died');
    closeLooseEnds(draft, null, 'unknown');
  },

  stands(state, item, startPending) {
    const turn = state.agent?.turn ?? null;
    // What goes on in the background ends with its process.
    if (turn === null) return item !== null || !isUnderWay(state);
    // Its process tells how it ends: that may be all that is known of it.
    if (turn.cause !== undefined) return item?.generation === turn.generation;
    return item?.turnId === turn.turnId || (startPending && turn.generation === 0);
  },

  lose(draft) {
    interruptTurn(draft, 'runner_lost');
    closeLooseEnds(draft, null, 'unknown');
  },
};

const isEnding = fail('session_ended', 'This session is ending; start a new one.');
const notInterrupted = fail('conflict', 'That turn is not interrupted any more.');

const isOther = (command: { turnId?: string | undefined }, turnId: string): boolean =>
  command.turnId !== undefined && command.turnId !== turnId;

function messageOf({ id, text, attachments }: Extract<Command, { type: 'message.send' }>): QueuedMessage {
  return { messageId: id, text, ...(attachments === undefined ? {} : { attachments }) };
}
