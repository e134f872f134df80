/** Approvals inside a session's decisions: what a request is told with, who answers it, and the rules people make. */
import type { Actor, Approval, ApprovalAnswer, ApprovalRequest, ApprovalRule } from '@holdfast/protocol/approval.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { NewRule } from '@holdfast/protocol/rule.ts';
import type { ToolCall } from '../approval/call.ts';
import { hintsOf } from '../approval/hints.ts';
import { holdsIn, isLive, matches, ruleFault } from '../approval/rule.ts';
import { ruleWords } from '../approval/sentence.ts';
import { suggestRules } from '../approval/suggest.ts';
import type { CommandContext, Decision, DecisionContext, Draft } from './decision.ts';
import { agentOf } from './turns.ts';

/** The request as it is kept: with what a person should see, and the rules they could make of it. */
export function described(request: ApprovalRequest, { cwd }: DecisionContext): ApprovalRequest {
  const call = { tool: request.tool, input: request.input, cwd };
  const { hints: _told, suggestions: offered, ...rest } = request;
  const hints = hintsOf(call);
  const own = offered?.filter((match) => matches(match, call)) ?? [];
  const suggestions = !mayOutlast(request) ? [] : own.length > 0 ? own : suggestRules(call);
  return { ...rest, ...(hints.length > 0 ? { hints } : {}), ...(suggestions.length > 0 ? { suggestions } : {}) };
}

/** What the owner's rules allow is answered at once; only in Agent mode, where a person would have been asked. */
export function answerByRules(draft: Draft, context: DecisionContext): void {
  const { mode, turn, approvals } = agentOf(draft);
  if (mode !== 'agent' || turn?.phase === 'stopping') return;
  const rules = [...context.rules, ...draft.rules].filter(
    (rule) => isLive(rule, context.at) && holdsIn(rule, context.workspaceId),
  );
  for (const approval of Object.values(approvals)) {
    if (approval.status !== 'pending' || !mayOutlast(approval)) continue;
    const call = callOf(approval, undefined, context);
    const rule = rules.find(({ match }) => matches(match, call));
    if (rule !== undefined) answer(draft, approval, { decision: 'allow' }, ruleActor(rule), context);
  }
}

/** already_answered, or why it cannot be answered like this. */
export function answerApproval(
  draft: Draft,
  approval: Approval,
  given: ApprovalAnswer,
  context: CommandContext,
): Result<Decision> {
  if (approval.status !== 'pending') return alreadyAnswered(approval.answeredBy, approval.answeredAt);
  if ((given.scope === 'rule') !== (given.rule !== undefined)) {
    return fail('bad_request', 'A rule is given with scope "rule", and only then.');
  }
  if (given.rule !== undefined) {
    const rule = newRule(given.rule, approval, given, context);
    if (!rule.ok) return rule;
    draft.rules.push(rule.value);
  }
  answer(draft, approval, given, context.actor, context);
  // What waits beside it may be allowed by the rule, too.
  if (given.rule !== undefined) answerByRules(draft, context);
  return ok(draft);
}

/** The refusal of a late answer. */
export function alreadyAnswered(by: Actor | undefined, at: string | undefined): Result<never> {
  const who = by?.name ?? 'somebody';
  return fail('already_answered', `Already answered by ${who}.`, {
    details: { answeredBy: by ?? null, answeredAt: at ?? null },
  });
}

function answer(draft: Draft, approval: Approval, given: ApprovalAnswer, actor: Actor, context: DecisionContext): void {
  const type = approval.kind === 'question' ? 'question.answered' : 'approval.answered';
  draft.add({ type, data: { approvalId: approval.id, answer: given }, actor });
  // Rules are kept here: to the runner it is this once.
  const { rule: _rule, scope, ...rest } = given;
  draft.instruct({
    type: 'approval.apply',
    sessionId: context.sessionId,
    approvalId: approval.id,
    toolCallId: approval.toolCallId,
    answer: scope === 'session' ? { ...rest, scope } : rest,
  });
}

function newRule(
  wanted: NewRule,
  approval: Approval,
  given: ApprovalAnswer,
  context: CommandContext,
): Result<ApprovalRule> {
  const { actor, ownerId, at } = context;
  const { match, where } = wanted;
  // Normalised, so that times can be compared as texts.
  const expiresAt = wanted.expiresAt == null ? null : new Date(wanted.expiresAt).toISOString();
  if (given.decision !== 'allow' || !mayOutlast(approval)) {
    return fail('bad_request', 'This request can only be answered once: no rule can be made of it.');
  }
  if (actor.id !== ownerId) return fail('forbidden', 'Only the owner of a session can make rules for it.');
  const fault = ruleFault(match);
  if (fault !== null) return fail('bad_request', fault);
  if (!matches(match, callOf(approval, given.updatedInput, context))) {
    return fail('bad_request', 'The rule does not match what is asked.');
  }
  if (expiresAt !== null && expiresAt <= at) return fail('bad_request', 'The rule would have expired already.');
  const workspaceId = where === 'workspace' ? context.workspaceId : null;
  const same = context.rules.find((rule) => rule.workspaceId === workspaceId && isSame(rule.match, match));
  if (same === undefined && context.rules.length >= limits.rulesPerUser) {
    return fail('quota_exceeded', `You have ${limits.rulesPerUser} rules: take some back first.`);
  }
  const id = same?.id ?? context.newId();
  return ok({ id, ownerId, match, where, workspaceId, expiresAt, createdAt: at, createdBy: actor });
}

/** Answers to it may hold for longer than this once. */
const mayOutlast = ({ kind, scopes }: Pick<ApprovalRequest, 'kind' | 'scopes'>): boolean =>
  kind === 'permission' && scopes.includes('session');

const callOf = (
  approval: Approval,
  updatedInput: ApprovalAnswer['updatedInput'],
  { cwd }: DecisionContext,
): ToolCall => ({
  tool: approval.tool,
  input: updatedInput ?? approval.input,
  cwd,
});

/** Both were parsed by the same schema: their members come in the same order. */
const isSame = (one: object, other: object): boolean => JSON.stringify(one) === JSON.stringify(other);

const longestName = 200;

function ruleActor({ id, match, createdBy }: ApprovalRule): Actor {
  const by = ` of ${createdBy.name ?? 'somebody'}`;
  const words = ruleWords(match);
  const room = longestName - by.length - 'the rule “”'.length;
  const shown = words.length > room ? `${words.slice(0, room - 1)}…` : words;
  return { kind: 'system', id, name: `the rule “${shown}”${by}` };
}
