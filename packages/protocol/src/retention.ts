/** What retention would remove, and what it has removed. */
import { z } from 'zod';
import { idSchema, timeSchema } from './id.ts';
import { sessionKindSchema } from './session.ts';

const countSchema = z.number().int().nonnegative();

export const retentionPreviewSchema = z.object({
  /** 0: everything is kept for ever. */
  retentionDays: countSchema,
  /** What happened before goes; null: nothing goes. */
  before: timeSchema.nullable(),
  /** Sessions that go whole. */
  deletedSessions: countSchema,
  /** Sessions that lose the old front of their log. */
  trimmedSessions: countSchema,
  facts: countSchema,
  /** An estimate. */
  bytes: countSchema,
  /** Of both kinds, the longest untouched first; at most 200. */
  sessions: z.array(
    z.object({
      id: idSchema,
      title: z.string(),
      kind: sessionKindSchema,
      action: z.enum(['delete', 'trim']),
      /** delete: it ended or failed, or was archived. trim: it is longer than what always stays. */
      reason: z.enum(['ended', 'failed', 'archived', 'long']),
      facts: countSchema,
      bytes: countSchema,
      lastActivityAt: timeSchema,
    }),
  ),
});
export type RetentionPreview = z.infer<typeof retentionPreviewSchema>;

export const retentionRunSchema = z.object({
  deletedSessions: countSchema,
  trimmedSessions: countSchema,
  facts: countSchema,
});
export type RetentionRun = z.infer<typeof retentionRunSchema>;
