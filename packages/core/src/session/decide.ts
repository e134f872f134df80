/** What a person's command does to a session: facts and instructions, or why not. Pure. */
import type { Actor } from '@holdfast/protocol/approval.ts';
import type { Command } from '@holdfast/protocol/command.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { CreateSession } from '@holdfast/protocol/rest.ts';
import type { AgentOptions } from '@holdfast/protocol/session.ts';
import { apply } from './apply.ts';
import { type Decision, type DecisionContext, Draft } from './decision.ts';
import { type SessionState, defaultTerminalSize } from './state.ts';
import { agentOf, queueIsFull, sendMessage } from './turns.ts';

export interface CommandContext extends DecisionContext {
  readonly actor: Actor;
}

/** The first facts of a session. messageId: for the first prompt, if the body has one. */
export function create(
  body: CreateSession,
  title: string,
  messageId: string,
  context: CommandContext,
): Result<Decision> {
  const first = {
    type: 'session.created' as const,
    actor: context.actor,
    data: {
      kind: body.kind,
      workspaceId: body.workspaceId,
      title,
      ...(body.kind === 'terminal' ? { terminal: { ...defaultTerminalSize, ...body.terminal } } : {}),
      ...(body.kind === 'agent' && body.agent !== undefined ? { agent: agentOptions(body.agent) } : {}),
    },
  };
  const draft = new Draft(apply(null, first, context.at, context.sessionId), context);
  draft.facts.push(first);
  if (first.data.terminal !== undefined) {
    draft.instruct({
      type: 'terminal.start',
      sessionId: context.sessionId,
      generation: 1,
      cwd: context.cwd,
      terminal: first.data.terminal,
    });
  }
  const prompt = body.agent?.prompt;
  if (body.kind === 'agent' && prompt !== undefined) {
    sendMessage(draft, context, { messageId, text: prompt }, context.actor);
  }
  return ok(draft);
}

function agentOptions({ provider, model, mode }: NonNullable<CreateSession['agent']>): AgentOptions {
  return { provider, mode: mode ?? 'agent', ...(model === undefined ? {} : { model }) };
}

const continuation = 'You were interrupted. Look at what has been done so far and go on from there.';

export function decide(state: SessionState, command: Command, context: CommandContext): Result<Decision> {
  const draft = new Draft(state, context);
  const { sessionId, actor } = context;
  if (command.type === 'session.rename') {
    draft.add({ type: 'session.renamed', data: { title: command.title }, actor });
    return ok(draft);
  }
  if (state.end !== 'none') return fail('session_ended', 'This session has ended; start a new one.');
  switch (command.type) {
    case 'session.stop':
      draft.instruct({ type: 'session.stop', sessionId });
      return ok(draft);
    case 'terminal.write':
    case 'terminal.resize': {
      if (state.terminal === null) return notFor(command, state);
      const { id: _id, ...rest } = command;
      draft.instruct({ ...rest, sessionId });
      return ok(draft);
    }
    default:
      return state.agent === null ? notFor(command, state) : decideAgent(draft, command, context);
  }
}

type AgentCommand = Exclude<
  Command,
  { type: 'session.rename' | 'session.stop' | 'terminal.write' | 'terminal.resize' }
>;

function decideAgent(draft: Draft, command: AgentCommand, context: CommandContext): Result<Decision> {
  const agent = agentOf(draft);
  const { sessionId, actor } = context;
  switch (command.type) {
    case 'message.send':
      if (queueIsFull(draft))
        return fail('quota_exceeded', 'The queue is full; wait for the agent or remove a message.');
      sendMessage(draft, context, { messageId: command.id, text: command.text }, actor);
      return ok(draft);
    case 'turn.stop':
      if (agent.turn === null) return fail('conflict', 'Nothing is running.');
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
          : agent.queue.with(at, { messageId: command.messageId, text: command.text });
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
      if (approval.status !== 'pending') return alreadyAnswered(approval.answeredBy, approval.answeredAt);
      const type = approval.kind === 'question' ? 'question.answered' : 'approval.answered';
      draft.add({ type, data: { approvalId: approval.id, answer: command.answer }, actor });
      draft.instruct({
        type: 'approval.apply',
        sessionId,
        approvalId: approval.id,
        toolCallId: approval.toolCallId,
        answer: command.answer,
      });
      return ok(draft);
    }
    case 'turn.resume':
      if (agent.interruptedTurnId === null) return fail('conflict', 'No turn is interrupted.');
      sendMessage(draft, context, { messageId: command.id, text: continuation }, actor);
      return ok(draft);
    case 'turn.discard':
      if (agent.interruptedTurnId === null) return fail('conflict', 'No turn is interrupted.');
      draft.add({ type: 'turn.interrupted', data: { turnId: agent.interruptedTurnId, reason: 'discarded' }, actor });
      return ok(draft);
  }
}

/** The refusal of a late answer. */
export function alreadyAnswered(by: Actor | undefined, at: string | undefined): Result<never> {
  const who = by?.name ?? 'somebody';
  return fail('already_answered', `Already answered by ${who}.`, {
    details: { answeredBy: by ?? null, answeredAt: at ?? null },
  });
}

function notFor(command: Command, state: SessionState): Result<never> {
  return fail('bad_request', `${command.type} is not for a session of kind ${state.kind}.`);
}
