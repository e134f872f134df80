/**
 * Between a page (or the CLI) and the server, on Socket.IO's default namespace.
 * Requests carry an acknowledgement function and are answered with `{ok: true, …}` or `{ok: false, error}`.
 * Terminal bytes travel as binary; the rest as JSON.
 */
import { z } from 'zod';
import { bytesSchema } from './bytes.ts';
import { commandSchema, receiptSchema } from './command.ts';
import type { ErrorBody } from './error.ts';
import { type Fact } from './fact.ts';
import { idSchema, offsetSchema, seqSchema } from './id.ts';
import { limits } from './limits.ts';
import type { Screen } from './screen.ts';
import type { SessionDescriptor } from './session.ts';
import { sessionStateSchema } from './session-state.ts';

const logEndsSchema = z.object({ lastSeq: seqSchema, oldestSeq: seqSchema });
/** What a subscription begins with. */
export const resumeSchemas = [
  /** Every fact after the cursor follows. */
  logEndsSchema.extend({ verdict: z.literal('ok') }),
  /**
   * What was read is not this log, or is too far behind it, or nothing was: the facts from `from` on follow. base: what
   * the session was after lastSeq, of the same moment as both.
   */
  logEndsSchema.extend({ verdict: z.literal('reset'), from: seqSchema.min(1), base: sessionStateSchema }),
] as const;
const resumeSchema = z.discriminatedUnion('verdict', resumeSchemas);
export type Resume = z.infer<typeof resumeSchema>;

/** What the client asks, by event name. */
export const socketRequestSchemas = {
  hello: z.object({ protocolVersion: z.number().int() }),
  /**
   * Facts after `after`, then live ones; null: the newest ones, with the state at the end. Once per session and socket;
   * again replaces.
   */
  subscribe: z.object({
    sessionId: idSchema,
    after: seqSchema.nullable(),
    /** Also the terminal's output. from: the next byte wanted; null: a screen first. */
    tty: z.object({ from: offsetSchema.nullable() }).optional(),
  }),
  unsubscribe: z.object({ sessionId: idSchema }),
  command: z.object({ sessionId: idSchema, command: commandSchema }),
  /** Keystrokes: `offset` is the position of data's first byte in this client's input stream `inputId`. */
  input: z.object({
    sessionId: idSchema,
    inputId: idSchema,
    offset: offsetSchema,
    data: bytesSchema.refine((data) => data.byteLength <= limits.terminalInput, 'too long'),
  }),
  /** The page's terminal has parsed output up to `offset`. No answer. */
  parsed: z.object({ sessionId: idSchema, offset: offsetSchema }),
  /** From now on: descriptors of sessions that change, as `session` events. */
  watch: z.object({}),
  ping: z.object({ nonce: z.string().max(64) }),
} as const;
export type SocketRequestName = keyof typeof socketRequestSchemas;
export type SocketRequest<N extends SocketRequestName> = z.infer<(typeof socketRequestSchemas)[N]>;

export const socketAnswerSchemas = {
  hello: z.object({ protocolVersion: z.number().int(), serverId: idSchema, time: z.iso.datetime() }),
  subscribe: resumeSchema,
  unsubscribe: z.object({}),
  command: z.object({ receipt: receiptSchema }),
  /** offset: all before it has reached the terminal. */
  input: z.object({ offset: offsetSchema }),
  parsed: z.object({}),
  watch: z.object({}),
  ping: z.object({ nonce: z.string() }),
} as const;
export type SocketAnswerBody<N extends SocketRequestName> = z.infer<(typeof socketAnswerSchemas)[N]>;
export type SocketAnswer<N extends SocketRequestName> =
  ({ ok: true } & SocketAnswerBody<N>) | { ok: false; error: ErrorBody };

/** What the server pushes, by event name. */
export interface SocketPushes {
  /** Contiguous, oldest first. */
  facts: (message: { sessionId: string; facts: Fact[] }) => void;
  /** Everything stored when the subscription began has been sent. */
  synced: (message: { sessionId: string; seq: number }) => void;
  tty: (message: { sessionId: string; offset: number; data: Uint8Array }) => void;
  /** Replaces what the terminal shows; output goes on from screen.offset. */
  screen: (message: { sessionId: string; screen: Screen }) => void;
  preview: (message: { sessionId: string } & Preview) => void;
  session: (message: { session: SessionDescriptor }) => void;
  sessionDeleted: (message: { sessionId: string }) => void;
}

/** Text an agent is writing right now. Cleared by the message.assistant fact with the same blockId. */
export const previewSchema = z.object({
  blockId: z.string().max(200),
  turnId: idSchema,
  kind: z.enum(['text', 'thinking']),
  /** Where `text` begins in the block, in UTF-16 units. 0 replaces. */
  offset: offsetSchema,
  text: z.string(),
});
export type Preview = z.infer<typeof previewSchema>;
