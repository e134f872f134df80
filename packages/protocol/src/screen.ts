import { z } from 'zod';
import { offsetSchema } from './id.ts';
import { columnsSchema, rowsSchema } from './session.ts';

/** A terminal's screen at an offset of its output: write `ansi` to an empty terminal of that size, then go on from `offset`. */
export const screenSchema = z.object({
  offset: offsetSchema,
  cols: columnsSchema,
  rows: rowsSchema,
  /** Scrollback + screen + modes + cursor, as escape sequences. */
  ansi: z.string(),
});
export type Screen = z.infer<typeof screenSchema>;

/** A screen that outlives its terminal, with its visible lines as plain text (trimmed at the right, no blank lines at the end). */
export const keptScreenSchema = screenSchema.extend({ text: z.string() });
export type KeptScreen = z.infer<typeof keptScreenSchema>;
