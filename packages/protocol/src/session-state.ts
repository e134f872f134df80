/**
 * What a session is after its facts: the fold of its log. Small enough to be kept with its row, and sent with the tail of
 * a log to a reader that does not read all of it.
 */
import { z } from 'zod';
import { approvalSchema } from './approval.ts';
import { errorBodySchema } from './error.ts';
import { factDataSchemas, queuedMessageSchema } from './fact.ts';
import { idSchema, timeSchema } from './id.ts';
import { driverSchema } from './presence.ts';
import {
  agentModeSchema,
  agentProviderSchema,
  columnsSchema,
  exitSchema,
  openTurnSchema,
  recordingUnderWaySchema,
  rowsSchema,
  sessionKindSchema,
} from './session.ts';

export const usageTotalsSchema = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  /** US dollars. */
  costUsd: z.number(),
  turns: z.number(),
  /** Of the latest turn that told it. */
  contextTokens: z.number().nullable(),
  contextWindow: z.number().nullable(),
});
export type UsageTotals = z.infer<typeof usageTotalsSchema>;

const openToolSchema = factDataSchemas['tool.started']
  .pick({ tool: true, turnId: true, parentToolCallId: true })
  /** Not kept by the first builds. */
  .extend({ title: z.string().optional(), startedAt: timeSchema.optional() });

const agentStateSchema = z.object({
  provider: agentProviderSchema,
  model: z.string().nullable(),
  mode: agentModeSchema,
  conversationId: z.string().nullable(),
  turn: openTurnSchema.nullable(),
  /** Dispatched and not begun when the agent began a turn by itself: its turn is next. */
  nextTurn: openTurnSchema.nullable(),
  /** The newest turn that ended by the agent's own word, and its process: what that does in the background is of it. */
  endedTurn: openTurnSchema.pick({ turnId: true, generation: true }).nullable(),
  /** The turn that was cut off and that nobody has resumed, discarded or written past. */
  interruptedTurnId: idSchema.nullable(),
  /** How that came; tool: the one that was running. */
  interruption: z
    .object({ reason: factDataSchemas['turn.interrupted'].shape.reason, tool: z.string().nullable() })
    .nullable(),
  queue: z.array(queuedMessageSchema),
  /** Pending or answered, by id; gone once applied or expired. */
  approvals: z.record(z.string(), approvalSchema),
  /** Started and not finished, by call id. */
  tools: z.record(z.string(), openToolSchema),
  usage: usageTotalsSchema,
  /** The part of it that the turn which told of it last has told so far. */
  usageOfTurn: usageTotalsSchema
    .pick({ inputTokens: true, outputTokens: true, costUsd: true })
    .extend({ turnId: idSchema })
    .nullable(),
});
export type AgentState = z.infer<typeof agentStateSchema>;

export const sessionStateSchema = z.object({
  kind: sessionKindSchema,
  title: z.string(),
  /** The newest process number; 0: none was started. */
  generation: z.number().int().nonnegative(),
  end: z.enum(['none', 'ended', 'failed']),
  /** It was told to end and has not yet. */
  stopping: z.boolean(),
  /** Why it failed. */
  error: errorBodySchema.nullable(),
  /** Who drives the terminal. */
  driver: driverSchema.nullable(),
  /** Somebody has driven it, so it has been looked at. */
  everDriven: z.boolean(),
  terminal: z
    .object({
      cols: columnsSchema,
      rows: rowsSchema,
      exit: exitSchema.nullable(),
      /** Absent: it is not being recorded. */
      recording: recordingUnderWaySchema.optional(),
    })
    .nullable(),
  agent: agentStateSchema.nullable(),
});
export type SessionState = z.infer<typeof sessionStateSchema>;
