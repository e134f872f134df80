/** Everything a person can ask of a session. The id is made by the client and names the wish, not the attempt. */
import { z } from 'zod';
import { approvalAnswerSchema } from './approval.ts';
import { idSchema, seqSchema } from './id.ts';
import { limits } from './limits.ts';
import { agentModeSchema, columnsSchema, rowsSchema, titleSchema } from './session.ts';

const id = { id: idSchema };
const messageTextSchema = z
  .string()
  .min(1)
  .refine((text) => text.trim().length > 0, 'the message is empty')
  .refine((text) => utf8Length(text) <= limits.messageText, `more than ${limits.messageText} bytes`);

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** The turn that is meant: a command that comes late does not meet another one. Without it: the one there is then. */
const ofTurn = { turnId: idSchema.optional() };

export const commandSchema = z.discriminatedUnion('type', [
  z.object({ ...id, type: z.literal('message.send'), text: messageTextSchema }),
  z.object({ ...id, type: z.literal('turn.stop'), ...ofTurn }),
  z.object({ ...id, type: z.literal('queue.edit'), messageId: idSchema, text: messageTextSchema }),
  z.object({ ...id, type: z.literal('queue.remove'), messageId: idSchema }),
  z.object({ ...id, type: z.literal('mode.set'), mode: agentModeSchema }),
  z.object({ ...id, type: z.literal('model.set'), model: z.string().min(1).max(128) }),
  z.object({ ...id, type: z.literal('approval.answer'), approvalId: idSchema, answer: approvalAnswerSchema }),
  z.object({ ...id, type: z.literal('terminal.write'), data: z.string().min(1).max(limits.terminalInput) }),
  z.object({ ...id, type: z.literal('terminal.resize'), cols: columnsSchema, rows: rowsSchema }),
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
