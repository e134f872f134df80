/** The log: one schema per fact type, and the envelope every fact travels in. Facts are never changed, only added. */
import { z } from 'zod';
import { actorSchema, approvalAnswerSchema, approvalRequestSchema, toolInputSchema } from './approval.ts';
import { errorBodySchema } from './error.ts';
import { idSchema, seqSchema, timeSchema } from './id.ts';
import { driverSchema } from './presence.ts';
import { recordingEndSchema, recordingSizeSchema } from './recording.ts';
import {
  agentModeSchema,
  agentOptionsSchema,
  columnsSchema,
  exitSchema,
  rowsSchema,
  sessionKindSchema,
  terminalOptionsSchema,
  turnCauseSchema,
} from './session.ts';
import { attachmentsSchema } from './upload.ts';

const generationSchema = z.number().int().positive();
const toolCallIdSchema = z.string().min(1).max(200);

/** Absent: none. */
const attachments = { attachments: attachmentsSchema.optional() };

/** As it was sent: when, and by whom; the first builds did not tell. */
const sentSchema = z.object({ sentAt: timeSchema.optional(), actor: actorSchema.optional() });
export const queuedMessageSchema = sentSchema.extend({ messageId: idSchema, text: z.string(), ...attachments });
export type QueuedMessage = z.infer<typeof queuedMessageSchema>;

/** Text that was cut on the wire: `text` is head + tail, `bytes` the size of the whole. */
export const cutTextSchema = z.object({ text: z.string(), bytes: z.number().int().nonnegative(), cut: z.boolean() });
export type CutText = z.infer<typeof cutTextSchema>;

export const factDataSchemas = {
  'session.created': z.object({
    kind: sessionKindSchema,
    workspaceId: idSchema,
    title: z.string(),
    terminal: terminalOptionsSchema.optional(),
    agent: agentOptionsSchema.optional(),
  }),
  /** A process of this session lives. A terminal has one generation; an agent a new one each time its process starts. */
  'session.started': z.object({ generation: generationSchema }),
  /** Nothing more will come. lost: the process is gone and nobody saw it end. */
  'session.ended': z.object({ reason: z.enum(['exited', 'stopped', 'lost']) }),
  'session.failed': z.object({ error: errorBodySchema }),
  /** It was told to end: nothing begins in it any more, and what waits in its queue is not sent. session.ended follows. */
  'session.stopping': z.object({}),
  'session.renamed': z.object({ title: z.string() }),
  /** turnId null: it waits in the queue. Otherwise its turn is dispatched with this fact. */
  'message.user': z.object({ messageId: idSchema, turnId: idSchema.nullable(), text: z.string(), ...attachments }),
  /** One finished block. partial: the turn died in the middle of it. */
  'message.assistant': z.object({
    blockId: z.string().max(200),
    turnId: idSchema,
    kind: z.enum(['text', 'thinking']),
    text: z.string(),
    partial: z.boolean().optional(),
    parentToolCallId: toolCallIdSchema.optional(),
  }),
  'tool.started': z.object({
    toolCallId: toolCallIdSchema,
    turnId: idSchema,
    tool: z.string().max(200),
    /** One line a person can read: the command, the path. */
    title: z.string().max(2_000),
    input: toolInputSchema,
    parentToolCallId: toolCallIdSchema.optional(),
  }),
  /** unknown: the turn died and nobody saw whether the tool ended. */
  'tool.finished': z.object({
    toolCallId: toolCallIdSchema,
    outcome: z.enum(['succeeded', 'failed', 'denied', 'stopped', 'unknown']),
    output: cutTextSchema,
    diff: z.object({ path: z.string(), patch: z.string() }).optional(),
  }),
  'approval.requested': approvalRequestSchema,
  'approval.answered': z.object({ approvalId: idSchema, answer: approvalAnswerSchema }),
  /** The agent went on with the answer. Only this makes a card green. */
  'approval.applied': z.object({ approvalId: idSchema }),
  'approval.expired': z.object({ approvalId: idSchema, reason: z.enum(['turn_ended', 'withdrawn']) }),
  'question.requested': approvalRequestSchema,
  'question.answered': z.object({ approvalId: idSchema, answer: approvalAnswerSchema }),
  /** cause: the agent began it by itself, and says why; messageId is of no message then (an older page wants one). */
  'turn.started': z.object({
    turnId: idSchema,
    generation: generationSchema,
    messageId: idSchema,
    cause: turnCauseSchema.optional(),
  }),
  /** Stop was asked for; turn.ended follows. */
  'turn.stopping': z.object({ turnId: idSchema }),
  'turn.ended': z.object({
    turnId: idSchema,
    outcome: z.enum(['completed', 'stopped', 'failed']),
    error: errorBodySchema.optional(),
  }),
  /** The turn's process died under it (tool: the one that was running, if any), or, later, the person left it: discarded. */
  'turn.interrupted': z.object({
    turnId: idSchema,
    reason: z.enum(['agent_died', 'runner_lost', 'discarded']),
    tool: z.string().optional(),
  }),
  /** What the person should know while a turn goes on: retries, warnings, compaction. */
  'turn.notice': z.object({ turnId: idSchema, level: z.enum(['info', 'warning']), text: z.string().max(4_096) }),
  'mode.changed': z.object({ mode: agentModeSchema }),
  'model.changed': z.object({ model: z.string() }),
  usage: z.object({
    turnId: idSchema,
    inputTokens: z.number().nonnegative(),
    outputTokens: z.number().nonnegative(),
    /** Of this turn, in US dollars. */
    costUsd: z.number().nonnegative().optional(),
    contextTokens: z.number().nonnegative().optional(),
    contextWindow: z.number().positive().optional(),
  }),
  /**
   * The whole queue after the change. taken: the message that left it because its turn is dispatched, whole, so that a
   * reader who begins after it was sent has it too; the first builds did not tell its text.
   */
  'queue.changed': z.object({
    queue: z.array(queuedMessageSchema),
    taken: queuedMessageSchema.partial({ text: true }).extend({ turnId: idSchema }).optional(),
  }),
  /** null: nobody decides the size any more; the one who did is gone. */
  'driver.changed': z.object({ driver: driverSchema.nullable() }),
  'terminal.exited': exitSchema,
  'terminal.resized': z.object({ cols: columnsSchema, rows: rowsSchema }),
  'terminal.recording.started': z.object({ recordingId: idSchema }),
  /** error: of one that failed. One that would not begin has only this. */
  'terminal.recording.ended': recordingSizeSchema.extend({
    recordingId: idSchema,
    reason: recordingEndSchema,
    error: errorBodySchema.optional(),
  }),
  /** The agent's own id for its conversation: what a resume names. */
  'agent.conversation': z.object({ conversationId: z.string().max(200) }),
} as const;

export type FactType = keyof typeof factDataSchemas;
export type FactData<T extends FactType> = z.infer<(typeof factDataSchemas)[T]>;

/** A fact before the store has given it its place in the log. */
export type FactDraft = { [T in FactType]: { type: T; data: FactData<T>; actor?: Actor } }[FactType];
export type Fact = {
  [T in FactType]: { seq: number; at: string; type: T; data: FactData<T>; actor?: Actor };
}[FactType];

type Actor = z.infer<typeof actorSchema>;

const types = Object.keys(factDataSchemas) as FactType[];

const draftOf = (type: FactType) =>
  z.object({ type: z.literal(type), data: factDataSchemas[type], actor: actorSchema.optional() });
const factOf = (type: FactType) => draftOf(type).extend({ seq: seqSchema.min(1), at: timeSchema });

export const factDraftSchema = z.discriminatedUnion(
  'type',
  types.map(draftOf) as [ReturnType<typeof draftOf>, ...ReturnType<typeof draftOf>[]],
) as unknown as z.ZodType<FactDraft>;

export const factSchema = z.discriminatedUnion(
  'type',
  types.map(factOf) as [ReturnType<typeof factOf>, ...ReturnType<typeof factOf>[]],
) as unknown as z.ZodType<Fact>;
