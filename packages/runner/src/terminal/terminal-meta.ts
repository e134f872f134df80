/** What the holder keeps for us with a terminal's process: all a new runner needs to go on with it. */
import { z } from 'zod';
import { idSchema, offsetSchema } from '@holdfast/protocol/id.ts';
import { columnsSchema, rowsSchema } from '@holdfast/protocol/session.ts';

const deliveryIdSchema = z.number().int().positive();
const size = { cols: columnsSchema, rows: rowsSchema };

export const terminalMetaSchema = z.object({
  kind: z.literal('terminal'),
  sessionId: idSchema,
  generation: z.number().int().positive(),
  cwd: z.string(),
  /** The program. The first builds did not keep it. */
  shell: z.string().optional(),
  /** The delivery that started it. */
  deliveryId: deliveryIdSchema,
  /** At the start. */
  ...size,
  /** Sizes since the last checkpoint (or more), each from an offset of the output on. */
  resizes: z.array(z.object({ offset: offsetSchema, ...size })),
  /** The newest resize that was delivered. */
  lastResize: z.object({ deliveryId: deliveryIdSchema, ...size }).optional(),
  /** What lies between the checkpoint of offset `base` and `to` has scrolled away: the screen goes on from `to`. */
  skip: z.object({ base: offsetSchema, to: offsetSchema }).optional(),
  /** It was asked to end. */
  stopping: z.boolean(),
});
export type TerminalMeta = z.infer<typeof terminalMetaSchema>;

/** Sizes kept in the holder; older ones only shape lines that a checkpoint has by then. */
export const resizeLimit = 64;
