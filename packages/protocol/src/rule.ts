/** Leave that a person gives in advance: for which calls, where and for how long. Matched in core/src/approval. */
import { z } from 'zod';
import { timeSchema } from './id.ts';
import { limits } from './limits.ts';

const tool = z.string().min(1).max(200);

export const ruleMatchSchema = z.discriminatedUnion('kind', [
  /** Exactly this command. */
  z.object({ kind: z.literal('command'), tool, command: z.string().min(1).max(limits.ruleText) }),
  /** One plain command that begins with these words. */
  z.object({ kind: z.literal('prefix'), tool, words: z.array(z.string().min(1).max(200)).min(1).max(8) }),
  /** Files in this folder, at any depth. Absolute, normalised. */
  z.object({ kind: z.literal('folder'), tool, folder: z.string().min(1).max(limits.pathLength) }),
  /** Addresses of this host, with its port if it has one of its own. */
  z.object({ kind: z.literal('host'), tool, host: z.string().min(1).max(255) }),
  /** Every use of a tool whose calls name no command, file or address. */
  z.object({ kind: z.literal('tool'), tool }),
]);
export type RuleMatch = z.infer<typeof ruleMatchSchema>;

/** workspace: in sessions of the same workspace. everywhere: in all sessions of the person. */
export const rulePlaceSchema = z.enum(['workspace', 'everywhere']);
export type RulePlace = z.infer<typeof rulePlaceSchema>;

export const newRuleSchema = z.object({
  match: ruleMatchSchema,
  where: rulePlaceSchema,
  /** Absent or null: until it is taken back. */
  expiresAt: timeSchema.nullable().optional(),
});
export type NewRule = z.infer<typeof newRuleSchema>;
