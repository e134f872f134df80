/** A session's whole log as a file that can be kept. What is exported is read back by these schemas. */
import { z } from 'zod';
import { factSchema } from './fact.ts';
import { idSchema, seqSchema, timeSchema } from './id.ts';
import { keptScreenSchema } from './screen.ts';
import { sessionDescriptorSchema } from './session.ts';

export const exportFormatSchema = z.enum(['markdown', 'json']);
export type ExportFormat = z.infer<typeof exportFormatSchema>;

/** archived: what was put away. expiring: what retention would remove now, whole or in part. */
export const exportChoiceSchema = z.enum(['archived', 'expiring']);
export type ExportChoice = z.infer<typeof exportChoiceSchema>;

export const exportQuerySchema = z.object({ format: exportFormatSchema.default('json') });
export const exportManyQuerySchema = exportQuerySchema.extend({ which: exportChoiceSchema.default('archived') });

export const exportHeadSchema = z.object({
  /** Of this file's shape. */
  version: z.literal(1),
  exportedAt: timeSchema,
  session: sessionDescriptorSchema,
  /** The first fact there is: greater than 1 when what was older has been removed. lastSeq + 1: there is none. */
  oldestSeq: seqSchema,
  /** The last fact that was stored when the export began. */
  lastSeq: seqSchema,
  /** Of a terminal that ended. */
  screen: keptScreenSchema.optional(),
});
export type ExportHead = z.infer<typeof exportHeadSchema>;

/** One session as JSON: every fact from oldestSeq to lastSeq. */
export const sessionExportSchema = exportHeadSchema.extend({ facts: z.array(factSchema) });
export type SessionExport = z.infer<typeof sessionExportSchema>;

/** Many sessions as JSON, a line each: a session, then its facts, then the next; `end` says that nothing is missing. */
export const exportLineSchema = z.discriminatedUnion('type', [
  exportHeadSchema.extend({ type: z.literal('session') }),
  z.object({ type: z.literal('fact'), sessionId: idSchema, fact: factSchema }),
  z.object({ type: z.literal('end'), sessions: z.number().int().nonnegative() }),
]);
export type ExportLine = z.infer<typeof exportLineSchema>;
