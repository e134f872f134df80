import { z } from 'zod';
import { commandSchema } from '@holdfast/protocol/command.ts';
import { errorBodySchema } from '@holdfast/protocol/error.ts';
import { idSchema, timeSchema } from '@holdfast/protocol/id.ts';
import type { KeptCommand } from '@holdfast/core/client/outbox.ts';

/** What another version of the program kept is read like a message from outside. */
export const keptCommandSchema: z.ZodType<KeptCommand> = z.object({
  id: idSchema,
  sessionId: idSchema,
  command: commandSchema,
  createdAt: timeSchema,
  order: z.number().int(),
  state: z.discriminatedUnion('status', [
    z.object({ status: z.literal('saved') }),
    z.object({ status: z.literal('failed'), error: errorBodySchema }),
    z.object({ status: z.literal('unsure'), error: errorBodySchema }),
  ]),
});
