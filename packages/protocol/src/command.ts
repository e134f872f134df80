/** Everything a person can ask of a session. The id is made by the client and names the wish, not the attempt. */
import { z } from 'zod';
import { approvalAnswerSchema } from './approval.ts';
import { utf8Length } from './bytes.ts';
import { idSchema, seqSchema } from './id.ts';
import { limits } from './limits.ts';
import { clientIdSchema } from './presence.ts';
import { agentModeSchema, columnsSchema, rowsSchema, titleSchema } from './session.ts';
import { attachmentsSchema } from './upload.ts';

const id = { id: idSchema };
const textSchema = z
  .string()
  .refine((text) => utf8Length(text) <= limits.messageText, `more than ${limits.messageText} bytes`);
const messageTextSchema = textSchema.min(1).refine((text) => text.trim().length > 0, 'the message is empty');

/** The turn that is meant: a command that comes late does not meet another one. Without it: the one there is then. */
const ofTurn = { turnId: idSchema.optional() };

export const commandSchema = z.discriminatedUnion('type', [
  z
    .object({ ...id, type: z.literal('message.send'), text: textSchema, attachments: attachmentsSchema.optional() })
    .refine(({ text, attachments }) => text.trim().length > 0 || (attachments ?? []).length > 0, {
      message: 'the message is empty',
      path: ['text'],
    }),
  z.object({ ...id, type: z.literal('turn.stop'), ...ofTurn }),
  /** What is attached to the message stays. */
  z.object({ ...id, type: z.literal('queue.edit'), messageId: idSchema, text: messageTextSchema }),
  z.object({ ...id, type: z.literal('queue.remove'), messageId: idSchema }),
  z.object({ ...id, type: z.literal('mode.set'), mode: agentModeSchema }),
  z.object({ ...id, type: z.literal('model.set'), model: z.string().min(1).max(128) }),
  z.object({ ...id, type: z.literal('approval.answer'), approvalId: idSchema, answer: approvalAnswerSchema }),
  z.object({ ...id, type: z.literal('terminal.write'), data: z.string().min(1).max(limits.terminalInput) }),
  /** clientId: who asks; while a terminal is driven, only its driver sizes it. */
  z.object({
    ...id,
    type: z.literal('terminal.resize'),
    cols: columnsSchema,
    rows: rowsSchema,
    clientId: clientIdSchema.optional(),
  }),
  /** A start makes a recording with this command's id; while one is under way it changes nothing. */
  z.object({ ...id, type: z.literal('terminal.record'), action: z.enum(['start', 'stop']) }),
  /** From now on this client decides the size. from: who drives, as far as is known here (null: nobody); else conflict. */
  z.object({
    ...id,
    type: z.literal('driver.take'),
    clientId: clientIdSchema,
    from: clientIdSchema.nullable().optional(),
  }),
  /** The driver hands over to another client that is attached. */
  z.object({ ...id, type: z.literal('driver.give'), clientId: clientIdSchema, to: clientIdSchema }),
  z.object({ ...id, type: z.literal('session.rename'), title: titleSchema }),
  z.object({ ...id, type: z.literal('session.stop') }),
  /** After an interruption: go on with the interrupted message, in the same conversation. */
  z.object({ ...id, type: z.literal('turn.resume'), ...ofTurn }),
  /** After an interruption: leave it, be ready for the next message. */
  z.object({ ...id, type: z.literal('turn.discard'), ...ofTurn }),
]);
export type Command = z.infer<typeof commandSchema>;
export type CommandType = Command['type'];

/** Durable, which is not the same as done. seq: the log's end right after the effect. */
export const receiptSchema = z.object({
  commandId: idSchema,
  status: z.literal('stored'),
  seq: seqSchema,
});
export type Receipt = z.infer<typeof receiptSchema>;
