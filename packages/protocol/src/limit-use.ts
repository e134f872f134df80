/** What a person may have and do, and how much of it is in use now. */
import { z } from 'zod';

export const limitNameSchema = z.enum([
  'openSessions',
  'runningAgents',
  'connections',
  'startsPerMinute',
  'messagesPerMinute',
  'sessionMessagesPerMinute',
  'inputBytesPerSecond',
]);
export type LimitName = z.infer<typeof limitNameSchema>;

export const limitUseSchema = z.object({
  name: limitNameSchema,
  /** 0: not limited. */
  limit: z.number().int().nonnegative(),
  /** null: not counted, because it is not limited, or because each session has its own. */
  current: z.number().int().nonnegative().nullable(),
});
export type LimitUse = z.infer<typeof limitUseSchema>;

export const limitListSchema = z.object({ limits: z.array(limitUseSchema) });
export type LimitList = z.infer<typeof limitListSchema>;
