/**
 * Recordings of terminals: asciicast v2 files that lie on the session's machine. The id is that of the command that
 * began it.
 */
import { z } from 'zod';
import { idSchema, timeSchema } from './id.ts';
import { columnsSchema, rowsSchema, titleSchema } from './session.ts';

/**
 * stopped: a person said so · exited: the terminal ended · full: it has as many bytes as one may have · failed: its
 * machine could not write it, or would not begin it · lost: the terminal went and nobody saw it end
 */
export const recordingEndSchema = z.enum(['stopped', 'exited', 'full', 'failed', 'lost']);
export type RecordingEnd = z.infer<typeof recordingEndSchema>;

const countSchema = z.number().int().nonnegative();
/** What there is when it has ended. */
export const recordingSizeSchema = z.object({ bytes: countSchema, durationMs: countSchema });

export const recordingSchema = recordingSizeSchema.extend({
  id: idSchema,
  title: titleSchema.or(z.literal('')),
  startedAt: timeSchema,
  /** At its start. */
  cols: columnsSchema,
  rows: rowsSchema,
  /** null: it goes on. */
  end: recordingEndSchema.nullable(),
});
export type Recording = z.infer<typeof recordingSchema>;

export const recordingListSchema = z.object({ recordings: z.array(recordingSchema) });
