/** What a person's command does to a session: facts and instructions, or why not. Pure. */
import type { Command } from '@holdfast/protocol/command.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { CreateSession } from '@holdfast/protocol/rest.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { apply } from './apply.ts';
import { type CommandContext, type Decision, Draft } from './decision.ts';
import { kinds } from './kinds.ts';

/** The first facts of a session. messageId: for the first prompt, if the body has one. bad_request: it does not fit its kind. */
export function create(
  body: CreateSession,
  title: string,
  messageId: string,
  context: CommandContext,
): Result<Decision> {
  const kind = kinds[body.kind];
  const options = kind.options(body);
  if (!options.ok) return options;
  const first = {
    type: 'session.created' as const,
    actor: context.actor,
    data: { kind: body.kind, workspaceId: body.workspaceId, title, ...options.value },
  };
  const draft = new Draft(apply(null, first, context.at, context.sessionId), context);
  draft.facts.push(first);
  kind.begin(draft, body, messageId, context);
  return ok(draft);
}

export function decide(state: SessionState, command: Command, context: CommandContext): Result<Decision> {
  const draft = new Draft(state, context);
  if (command.type === 'session.rename') {
    draft.add({ type: 'session.renamed', data: { title: command.title }, actor: context.actor });
    return ok(draft);
  }
  if (state.end !== 'none') return fail('session_ended', 'This session has ended; start a new one.');
  if (command.type === 'session.stop') {
    if (state.stopping) return ok(draft);
    draft.add({ type: 'session.stopping', data: {}, actor: context.actor });
    draft.instruct({ type: 'session.stop', sessionId: context.sessionId });
    return ok(draft);
  }
  return (
    kinds[state.kind].decide(draft, command, context) ??
    fail('bad_request', `${command.type} is not for a session of kind ${state.kind}.`)
  );
}
