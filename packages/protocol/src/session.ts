/** What a session is, as lists and pages show it. */
import { z } from 'zod';
import { idSchema, seqSchema, timeSchema } from './id.ts';
import { limits } from './limits.ts';
import { driverSchema } from './presence.ts';

export const sessionKindSchema = z.enum(['terminal', 'agent']);
export type SessionKind = z.infer<typeof sessionKindSchema>;

export const sessionStatusSchema = z.enum([
  'creating',
  'active',
  /** As active, with nothing under way, and whoever was attached has left. */
  'suspended',
  'waiting',
  'interrupted',
  'ended',
  'failed',
]);
export type SessionStatus = z.infer<typeof sessionStatusSchema>;

/** Ask: reads only. Agent: elevated tools ask first. Auto: runs alone. */
export const agentModeSchema = z.enum(['ask', 'agent', 'auto']);
export type AgentMode = z.infer<typeof agentModeSchema>;

export const columnsSchema = z.number().int().min(1).max(limits.terminalColumns);
export const rowsSchema = z.number().int().min(1).max(limits.terminalRows);
export const titleSchema = z.string().trim().min(1).max(limits.titleLength);

export const terminalOptionsSchema = z.object({
  /** Absolute path or a name on PATH; default: the user's login shell. */
  shell: z.string().min(1).max(limits.pathLength).optional(),
  args: z.array(z.string().max(8_192)).max(64).optional(),
  env: z.record(z.string().min(1).max(256), z.string().max(32_768)).optional(),
  cols: columnsSchema.optional(),
  rows: rowsSchema.optional(),
});
export type TerminalOptions = z.infer<typeof terminalOptionsSchema>;

export const agentProviderSchema = z.string().min(1).max(64);

export const agentOptionsSchema = z.object({
  /** A provider of GET /api/agents: "claude", "demo", … */
  provider: agentProviderSchema,
  model: z.string().min(1).max(128).optional(),
  mode: agentModeSchema.optional(),
});
export type AgentOptions = z.infer<typeof agentOptionsSchema>;

export const turnPhaseSchema = z.enum([
  /** Stored and on its way to the runner; nothing runs yet. */
  'dispatched',
  /** The agent has taken it up. */
  'running',
  /** Stop was asked for and has not been confirmed. */
  'stopping',
]);
export type TurnPhase = z.infer<typeof turnPhaseSchema>;

/** Why an agent began a turn by itself. title: what the agent says of it, for a person. */
export const turnCauseSchema = z.object({
  kind: z.enum([
    /** A command or a sub-agent that it had left running in the background has ended, or has something to say. */
    'background',
    /** It had set itself an alarm. */
    'schedule',
    'unknown',
  ]),
  title: z.string().max(300).optional(),
});
export type TurnCause = z.infer<typeof turnCauseSchema>;

export const openTurnSchema = z.object({
  turnId: idSchema,
  messageId: idSchema,
  /** The agent began it by itself: messageId is of no message then. */
  cause: turnCauseSchema.optional(),
  /** Of the process that took it up; 0: none yet. */
  generation: z.number().int().nonnegative(),
  phase: turnPhaseSchema,
  since: timeSchema,
});
export type OpenTurn = z.infer<typeof openTurnSchema>;

export const exitSchema = z.object({
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
});
export type Exit = z.infer<typeof exitSchema>;

export const recordingUnderWaySchema = z.object({ id: idSchema, since: timeSchema });

export const sessionDescriptorSchema = z.object({
  id: idSchema,
  kind: sessionKindSchema,
  workspaceId: idSchema,
  ownerId: idSchema,
  runnerId: idSchema,
  /** The machine's link is up: false means commands are kept for it. */
  runnerOnline: z.boolean(),
  title: z.string(),
  status: sessionStatusSchema,
  createdAt: timeSchema,
  lastActivityAt: timeSchema,
  lastSeq: seqSchema,
  oldestSeq: seqSchema,
  pinned: z.boolean(),
  archived: z.boolean(),
  terminal: z
    .object({
      cols: columnsSchema,
      rows: rowsSchema,
      exit: exitSchema.nullable(),
      /** Who decides the size; null: nobody does, anybody may. */
      driver: driverSchema.nullable(),
      /** Absent: it is not being recorded. */
      recording: recordingUnderWaySchema.optional(),
    })
    .optional(),
  agent: z
    .object({
      provider: agentProviderSchema,
      model: z.string().nullable(),
      mode: agentModeSchema,
      turn: openTurnSchema.nullable(),
      queueLength: z.number().int().nonnegative(),
      pendingApprovals: z.number().int().nonnegative(),
    })
    .optional(),
});
export type SessionDescriptor = z.infer<typeof sessionDescriptorSchema>;
