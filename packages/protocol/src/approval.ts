/** Everything an agent can wait for from a person: leave to use a tool, an answer, a yes to its plan. */
import { z } from 'zod';
import { idSchema, timeSchema } from './id.ts';
import { limits } from './limits.ts';
import { newRuleSchema, ruleMatchSchema, rulePlaceSchema } from './rule.ts';

export const approvalKindSchema = z.enum(['permission', 'question', 'plan']);
export type ApprovalKind = z.infer<typeof approvalKindSchema>;

export const approvalStatusSchema = z.enum(['pending', 'answered', 'applied', 'expired']);
export type ApprovalStatus = z.infer<typeof approvalStatusSchema>;

export const decisionSchema = z.enum(['allow', 'deny']);
/** What the agent's side offers and keeps. */
export const approvalScopeSchema = z.enum(['once', 'session']);
export type ApprovalScope = z.infer<typeof approvalScopeSchema>;

export const questionSchema = z.object({
  question: z.string(),
  header: z.string().optional(),
  multiSelect: z.boolean(),
  options: z.array(z.object({ label: z.string(), description: z.string().optional() })),
});
export type Question = z.infer<typeof questionSchema>;

export const toolInputSchema = z.record(z.string(), z.unknown());

export const approvalAnswerSchema = z.object({
  decision: decisionSchema,
  /** Default: once. rule: this once, and from now on what `rule` says. */
  scope: z.enum([...approvalScopeSchema.options, 'rule']).optional(),
  /** With scope rule, and only then. It must match the call that is answered. */
  rule: newRuleSchema.optional(),
  /** With deny: told to the agent. */
  message: z.string().max(limits.messageText).optional(),
  /** With allow: the tool runs with this in place of what was asked. */
  updatedInput: toolInputSchema.optional(),
  /** For a question: its text → the chosen labels or free text. */
  answers: z.record(z.string().max(4_096), z.string().max(limits.messageText)).optional(),
});
export type ApprovalAnswer = z.infer<typeof approvalAnswerSchema>;

export const actorSchema = z.object({
  kind: z.enum(['user', 'agent', 'system']),
  id: idSchema.optional(),
  name: z.string().max(200).optional(),
  /** Which of the person's devices or keys. */
  device: z.string().max(200).optional(),
});
export type Actor = z.infer<typeof actorSchema>;

/** What a person should see before anything else. Found by looking at the input: a help, no safeguard. */
export const approvalHintSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('outside'), path: z.string() }),
  /** to: a host, or a name as git and ssh know it; absent: somewhere. */
  z.object({ kind: z.literal('leaves'), to: z.string().optional() }),
]);
export type ApprovalHint = z.infer<typeof approvalHintSchema>;

export const approvalRequestSchema = z.object({
  approvalId: idSchema,
  turnId: idSchema,
  toolCallId: z.string().max(200),
  kind: approvalKindSchema,
  tool: z.string().max(200),
  title: z.string().max(2_000),
  input: toolInputSchema,
  questions: z.array(questionSchema).optional(),
  /** "session" is offered only when the agent can hold on to it; only then a rule can be made, too. */
  scopes: z.array(approvalScopeSchema),
  /** What a file would become. */
  diff: z.object({ path: z.string(), patch: z.string() }).optional(),
  /** `input` is whole, and the agent takes another one in its place. Absent: no. */
  editable: z.boolean().optional(),
  /** Rules that would allow this call and others like it, the narrowest first. */
  suggestions: z.array(ruleMatchSchema).max(8).optional(),
  /** Filled in by the server. */
  hints: z.array(approvalHintSchema).max(16).optional(),
});
export type ApprovalRequest = z.infer<typeof approvalRequestSchema>;

export const approvalSchema = approvalRequestSchema.omit({ approvalId: true }).extend({
  id: idSchema,
  sessionId: idSchema,
  status: approvalStatusSchema,
  requestedAt: timeSchema,
  answer: approvalAnswerSchema.optional(),
  answeredBy: actorSchema.optional(),
  answeredAt: timeSchema.optional(),
});
export type Approval = z.infer<typeof approvalSchema>;

/** Owned by the person who made it; holds in sessions of theirs. */
export const approvalRuleSchema = z.object({
  id: idSchema,
  ownerId: idSchema,
  match: ruleMatchSchema,
  where: rulePlaceSchema,
  /** With where "workspace". */
  workspaceId: idSchema.nullable(),
  /** null: until it is taken back. */
  expiresAt: timeSchema.nullable(),
  createdAt: timeSchema,
  createdBy: actorSchema,
});
export type ApprovalRule = z.infer<typeof approvalRuleSchema>;
