/** Bodies and answers of the HTTP doors. The OpenAPI document is generated from these. */
import { z } from 'zod';
import { approvalAnswerSchema, approvalRuleSchema, approvalSchema, approvalStatusSchema } from './approval.ts';
import { receiptSchema } from './command.ts';
import { errorBodySchema } from './error.ts';
import { factSchema } from './fact.ts';
import { idSchema, offsetSchema, seqSchema, timeSchema } from './id.ts';
import { limits } from './limits.ts';
import { clientIdSchema } from './presence.ts';
import {
  agentOptionsSchema,
  sessionDescriptorSchema,
  sessionKindSchema,
  sessionStatusSchema,
  terminalOptionsSchema,
  titleSchema,
} from './session.ts';
import { resumeSchemas } from './socket.ts';
import { workspaceSchema } from './workspace.ts';

const queryNumber = z.coerce.number().int().nonnegative();

/** What its kind needs of it is told by the kind: core's session/kinds.ts. */
export const createSessionSchema = z.object({
  kind: sessionKindSchema,
  workspaceId: idSchema,
  title: titleSchema.optional(),
  terminal: terminalOptionsSchema.optional(),
  agent: agentOptionsSchema.extend({ prompt: z.string().min(1).max(limits.messageText).optional() }).optional(),
});
export type CreateSession = z.infer<typeof createSessionSchema>;

export const listSessionsQuerySchema = z.object({
  status: sessionStatusSchema.optional(),
  workspaceId: idSchema.optional(),
  /** Part of a title. */
  q: z.string().max(200).optional(),
  cursor: z.string().max(200).optional(),
  limit: queryNumber.max(200).default(50),
});
export const sessionListSchema = z.object({
  sessions: z.array(sessionDescriptorSchema),
  nextCursor: z.string().optional(),
});
export const patchSessionSchema = z.object({
  title: titleSchema.optional(),
  pinned: z.boolean().optional(),
  archived: z.boolean().optional(),
});

export const eventsQuerySchema = z.object({
  /** Facts with a greater seq, oldest first; "tail": the newest. */
  after: z.union([z.literal('tail'), queryNumber]).optional(),
  /** Facts with a smaller seq, the newest of them. */
  before: queryNumber.optional(),
  limit: queryNumber.min(1).max(limits.pageFacts).default(limits.pageFacts),
  /** Of a stream: also the terminal's output, from this offset on, or a screen first. */
  tty: z.union([z.literal('screen'), queryNumber]).optional(),
  /** Of a stream: who reads it, for presence. Without one it is somebody of its own. */
  clientId: clientIdSchema.optional(),
});
export const eventPageSchema = z.object({
  events: z.array(factSchema),
  lastSeq: seqSchema,
  oldestSeq: seqSchema,
});
export type EventPage = z.infer<typeof eventPageSchema>;

export const commandAnswerSchema = z.object({ receipt: receiptSchema });

export const workspaceListSchema = z.object({ workspaces: z.array(workspaceSchema) });

export const approvalsQuerySchema = z.object({ status: approvalStatusSchema.optional() });
export const approvalListSchema = z.object({ approvals: z.array(approvalSchema) });
/** id: the command's, made by the client. */
export const answerApprovalSchema = approvalAnswerSchema.extend({ id: idSchema });
/** Each is decided for itself: some may be taken and others refused. */
export const answerApprovalsSchema = z.object({
  answers: z
    .array(answerApprovalSchema.extend({ approvalId: idSchema }))
    .min(1)
    .max(limits.answersAtOnce),
});
export type AnswerApprovals = z.infer<typeof answerApprovalsSchema>;
const answeredSchema = z.object({ approvalId: idSchema, id: idSchema });
/** In the order of the answers. */
export const approvalsAnsweredSchema = z.object({
  results: z.array(
    z.union([answeredSchema.extend({ receipt: receiptSchema }), answeredSchema.extend({ error: errorBodySchema })]),
  ),
});
export type ApprovalsAnswered = z.infer<typeof approvalsAnsweredSchema>;

export const ruleListSchema = z.object({ rules: z.array(approvalRuleSchema) });

export const screenFormatSchema = z.enum(['text', 'ansi', 'json']);
export type ScreenFormat = z.infer<typeof screenFormatSchema>;
export const screenQuerySchema = z.object({ format: screenFormatSchema.default('text') });
export const outputQuerySchema = z.object({ from: queryNumber.default(0) });

/** Keystrokes; see socket.input. data: base64. */
export const inputSchema = z.object({
  inputId: idSchema,
  offset: offsetSchema,
  data: z.base64().max(Math.ceil(limits.terminalInput / 3) * 4),
});
export const inputAnswerSchema = z.object({ offset: offsetSchema });
/** streamId: of the event stream (its `resume`) whose output has been parsed up to offset. */
export const parsedSchema = z.object({ streamId: idSchema, offset: offsetSchema });
export const pingSchema = z.object({ nonce: z.string().max(64) });

/** Data of the events of a session's event stream that are not as on the socket. */
const streamIdSchema = { streamId: idSchema };
export const streamResumeSchema = z.discriminatedUnion('verdict', [
  resumeSchemas[0].extend(streamIdSchema),
  resumeSchemas[1].extend(streamIdSchema),
]);
export const streamOutputSchema = z.object({ offset: offsetSchema, data: z.base64() });
/** First event of GET /api/sessions/changes. serverId: names the server's process. */
export const streamHelloSchema = z.object({ protocolVersion: z.number().int(), serverId: idSchema, time: timeSchema });
/** Of every event stream, at its beginning and every 15 s. Who answers one has to answer all, or its stream ends. */
export const streamHeartbeatSchema = z.object({ at: timeSchema, streamId: idSchema, nonce: z.string().max(64) });
/** The answer to a heartbeat. */
export const heartbeatAnswerSchema = streamHeartbeatSchema.omit({ at: true });

export const agentInfoSchema = z.object({
  provider: z.string(),
  name: z.string(),
  /** One line: what it is. */
  description: z.string(),
  available: z.boolean(),
  /** When it is not available: exactly what to do, a line each. */
  remedy: z.array(z.string()),
  models: z.array(z.object({ id: z.string(), name: z.string() })),
});
export type AgentInfo = z.infer<typeof agentInfoSchema>;
/** version: another one whenever the list is. */
export const agentListSchema = z.object({ agents: z.array(agentInfoSchema), version: z.string() });
export type AgentList = z.infer<typeof agentListSchema>;
/** refresh=1: look again, instead of telling what was found before. */
export const agentQuerySchema = z.object({ refresh: z.enum(['0', '1']).optional() });

export const runnerInfoSchema = z.object({
  id: idSchema,
  name: z.string(),
  online: z.boolean(),
  roots: z.array(z.string()),
});
export const runnerListSchema = z.object({ runners: z.array(runnerInfoSchema) });

export const checkSchema = z.object({ ok: z.boolean(), durationMs: z.number(), message: z.string().optional() });
export const readinessSchema = z.object({ ready: z.boolean(), checks: z.record(z.string(), checkSchema) });

export const meSchema = z.object({ id: idSchema, name: z.string(), via: z.enum(['cookie', 'key']) });
export type Me = z.infer<typeof meSchema>;

export const loginSchema = z.object({ token: z.string().min(1).max(200) });
/** For another device: `url` works once, until `expiresAt`. */
export const loginLinkSchema = z.object({ url: z.string(), path: z.string(), expiresAt: timeSchema });
export type LoginLink = z.infer<typeof loginLinkSchema>;

export const renameWorkspaceSchema = z.object({ name: titleSchema });
