/**
 * Between server and runner, whatever carries it (memory, Socket.IO). Both sides parse what they receive.
 * Instructions are durable on the server until `done`; reports are durable on the runner's side (in the holder)
 * until `stored`. Everything else may be lost with the link and is asked for again.
 */
import { z } from 'zod';
import { bytesSchema } from './bytes.ts';
import { approvalAnswerSchema } from './approval.ts';
import { errorBodySchema } from './error.ts';
import { factDraftSchema } from './fact.ts';
import { idSchema, offsetSchema } from './id.ts';
import { limits } from './limits.ts';
import { recordingListSchema } from './recording.ts';
import { agentListSchema } from './rest.ts';
import { keptScreenSchema, screenSchema } from './screen.ts';
import { agentModeSchema, agentOptionsSchema, columnsSchema, rowsSchema, terminalOptionsSchema } from './session.ts';
import { previewSchema } from './socket.ts';
import { attachmentsSchema, mediaTypeSchema, uploadStateSchema } from './upload.ts';

const generationSchema = z.number().int().positive();
const session = { sessionId: idSchema };
const recording = { ...session, recordingId: idSchema };
const upload = { ...session, uploadId: idSchema };

/** What a runner must do once. Instructions of one session are carried out in the order of their delivery ids; one that must wait for the agent lets those behind it pass. */
export const instructionSchema = z.discriminatedUnion('type', [
  z.object({
    ...session,
    type: z.literal('terminal.start'),
    generation: generationSchema,
    cwd: z.string(),
    terminal: terminalOptionsSchema,
  }),
  z.object({ ...session, type: z.literal('terminal.write'), data: z.string() }),
  z.object({ ...session, type: z.literal('terminal.resize'), cols: columnsSchema, rows: rowsSchema }),
  /** Not while another is under way. */
  z.object({ ...recording, type: z.literal('recording.start'), ownerId: idSchema, title: z.string() }),
  /** The one that is under way then. */
  z.object({ ...session, type: z.literal('recording.stop') }),
  z.object({
    ...session,
    type: z.literal('turn.start'),
    turnId: idSchema,
    messageId: idSchema,
    text: z.string(),
    attachments: attachmentsSchema.optional(),
    cwd: z.string(),
    agent: agentOptionsSchema.extend({ mode: agentModeSchema }),
    /** To go on with, when no live process of this session is there. */
    conversationId: z.string().nullable(),
    /** The process number to use if one has to be started: one above the last the log knows. */
    nextGeneration: generationSchema,
  }),
  z.object({ ...session, type: z.literal('turn.stop'), turnId: idSchema }),
  z.object({ ...session, type: z.literal('mode.set'), mode: agentModeSchema }),
  z.object({ ...session, type: z.literal('model.set'), model: z.string() }),
  z.object({
    ...session,
    type: z.literal('approval.apply'),
    approvalId: idSchema,
    toolCallId: z.string(),
    answer: approvalAnswerSchema,
  }),
  /** End its processes. The facts that they ended follow as reports. */
  z.object({ ...session, type: z.literal('session.stop') }),
]);
export type Instruction = z.infer<typeof instructionSchema>;
export type InstructionType = Instruction['type'];

/** A session the runner knows to be alive, told at link-up and when it is asked. */
export const inventoryItemSchema = z.object({
  ...session,
  generation: generationSchema,
  /** The process lives in the holder. */
  alive: z.boolean(),
  /** The turn its agent is in, if any. */
  turnId: idSchema.nullable(),
});
export type InventoryItem = z.infer<typeof inventoryItemSchema>;

/**
 * Facts read from a numbered source. A source is a stream of the holder (positions are byte offsets) or the session's
 * deliveries (positions are delivery ids). The server keeps, per session and source, the last position stored: what is
 * not beyond it was stored before, is not stored again, and is acknowledged again.
 */
export const reportSchema = z.object({
  ...session,
  source: z.string().min(1).max(128),
  position: offsetSchema,
  facts: z.array(factDraftSchema).max(1_000),
  /** With terminal.exited: the last screen, kept with the log. */
  screen: keptScreenSchema.optional(),
});
export type Report = z.infer<typeof reportSchema>;

/** What the server may ask and get one answer to, or an error when the link goes. */
const questionSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('screen'), ...session }),
  /** What a watcher needs to go on from: the screen with so many lines above it. */
  z.object({ type: z.literal('view'), ...session, scrollback: z.number().int().nonnegative() }),
  /** refresh: look again, instead of telling what was found before. */
  z.object({ type: z.literal('agents'), refresh: z.boolean().optional() }),
  /** Resolve a path against the allowed roots, make the folder if missing; answers the resolved path. */
  z.object({ type: z.literal('workspace'), path: z.string() }),
  /** Kept output from `from` on, or from the oldest kept after it; at most 1 MiB. */
  z.object({ type: z.literal('output'), ...session, from: offsetSchema }),
  /** Previews of a session's unfinished blocks, for one who has just come. */
  z.object({ type: z.literal('previews'), ...session }),
  /** Bytes of an upload from `offset` on; the first ones begin it. Those that are there already change nothing. */
  z.object({
    type: z.literal('uploadPut'),
    ...upload,
    ownerId: idSchema,
    name: z.string(),
    mediaType: mediaTypeSchema,
    size: z.number().int().nonnegative(),
    offset: offsetSchema,
    data: bytesSchema.refine((data) => data.byteLength <= limits.uploadPiece, 'too long'),
  }),
  z.object({ type: z.literal('uploadState'), ...upload }),
  z.object({ type: z.literal('uploadRemove'), ...upload }),
  /** Bytes of a complete upload from `from` on, at most one piece. */
  z.object({ type: z.literal('uploadRead'), ...upload, from: offsetSchema }),
  /** Are these there, whole, and what is said of them? */
  z.object({ type: z.literal('uploadCheck'), ...session, attachments: attachmentsSchema }),
  z.object({ type: z.literal('recordings'), ...session }),
  /** Bytes of its file from `from` on, at most one piece of an upload; of one under way what there is so far. */
  z.object({ type: z.literal('recordingRead'), ...recording, from: offsetSchema }),
  z.object({ type: z.literal('recordingRemove'), ...recording }),
]);
export type RunnerQuestion = z.infer<typeof questionSchema>;

export const toRunnerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('welcome'), protocolVersion: z.number().int(), runnerId: idSchema }),
  /** Instead of welcome, and the last message: coming again as the same runner does not help. */
  z.object({ type: z.literal('refused'), error: errorBodySchema }),
  z.object({ type: z.literal('deliver'), deliveryId: z.number().int().positive(), instruction: instructionSchema }),
  /** The server knows no such open session: end its processes and forget it. */
  z.object({ type: z.literal('abandon'), ...session }),
  /** Say again what lives there: answered by inventory, in order with all else that is told. */
  z.object({ type: z.literal('inventory') }),
  /** The session was deleted: what was uploaded for it and recorded of it goes too. */
  z.object({ type: z.literal('uploadsDrop'), ...session }),
  z.object({ type: z.literal('stored'), ...session, source: z.string(), position: offsetSchema }),
  /** Keystrokes; see socket.input. Answered by inputAccepted. */
  z.object({
    type: z.literal('input'),
    ...session,
    inputId: idSchema,
    offset: offsetSchema,
    data: bytesSchema,
  }),
  /** Send output from `from` on (null: from now on) until ttyClose; the answer begins with ttyOpened. */
  z.object({ type: z.literal('ttyOpen'), ...session, from: offsetSchema.nullable() }),
  z.object({ type: z.literal('ttyClose'), ...session }),
  /** All output before `offset` has been taken over by the server's ring. */
  z.object({ type: z.literal('ttyTaken'), ...session, offset: offsetSchema }),
  z.object({ type: z.literal('ask'), requestId: idSchema, question: questionSchema }),
]);

export const runnerAnswerSchemas = {
  screen: z.object({ screen: screenSchema, text: z.string() }),
  /** whole: there are no more lines above it than these. */
  view: z.object({ screen: screenSchema, whole: z.boolean() }),
  agents: agentListSchema,
  workspace: z.object({ path: z.string() }),
  output: z.object({ offset: offsetSchema, data: bytesSchema }),
  previews: z.object({ previews: z.array(previewSchema) }),
  uploadPut: z.object({ upload: uploadStateSchema }),
  uploadState: z.object({ upload: uploadStateSchema }),
  uploadRemove: z.object({}),
  uploadRead: z.object({ data: bytesSchema }),
  uploadCheck: z.object({}),
  recordings: recordingListSchema,
  recordingRead: z.object({ data: bytesSchema }),
  recordingRemove: z.object({}),
} as const;
export type RunnerAnswer<T extends RunnerQuestion['type']> = z.infer<(typeof runnerAnswerSchemas)[T]>;

export const toServerSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocolVersion: z.number().int(),
    runnerId: idSchema,
    name: z.string(),
    roots: z.array(z.string()),
    inventory: z.array(inventoryItemSchema),
    /** Sessions that something is uploaded for, or recorded of. Absent: none. */
    uploads: z.array(idSchema).optional(),
  }),
  z.object({ type: z.literal('inventory'), inventory: z.array(inventoryItemSchema) }),
  /** The instruction's effect is in the holder (or in a stored report): forget it. */
  z.object({ type: z.literal('done'), deliveryId: z.number().int().positive() }),
  z.object({ type: z.literal('report'), report: reportSchema }),
  z.object({ type: z.literal('inputAccepted'), ...session, inputId: idSchema, offset: offsetSchema }),
  z.object({ type: z.literal('inputRefused'), ...session, inputId: idSchema, error: errorBodySchema }),
  /** first: the offset output will begin at: `from` where still kept, else the oldest kept. */
  z.object({ type: z.literal('ttyOpened'), ...session, first: offsetSchema }),
  z.object({ type: z.literal('tty'), ...session, offset: offsetSchema, data: bytesSchema }),
  z.object({ type: z.literal('preview'), ...session, preview: previewSchema }),
  z.object({
    type: z.literal('answer'),
    requestId: idSchema,
    result: z.discriminatedUnion('ok', [
      z.object({ ok: z.literal(true), value: z.unknown() }),
      z.object({ ok: z.literal(false), error: errorBodySchema }),
    ]),
  }),
]);

export type ToRunner = z.infer<typeof toRunnerSchema>;
export type ToServer = z.infer<typeof toServerSchema>;
