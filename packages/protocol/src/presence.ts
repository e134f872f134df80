/** Who is at a session, and who of them decides how large its terminal is. */
import { z } from 'zod';
import { actorSchema } from './approval.ts';
import { idSchema, timeSchema } from './id.ts';
import { limits } from './limits.ts';

/** Names one client of a login over all its connections: a tab makes its own and keeps it over reloads. */
export const clientIdSchema = idSchema;

/** Whose size a terminal has: a person, on this device, in this client. */
export const driverSchema = actorSchema.extend({ clientId: clientIdSchema });
export type Driver = z.infer<typeof driverSchema>;

export const attendeeSchema = z.object({
  clientId: clientIdSchema,
  userId: idSchema,
  name: z.string().max(200),
  device: z.string().max(200),
  /** Attached without a break that anybody would notice. */
  since: timeSchema,
  drives: z.boolean(),
});
export type Attendee = z.infer<typeof attendeeSchema>;

export const presenceSchema = z.object({
  /** The driver first, then in the order in which they came. */
  people: z.array(attendeeSchema).max(limits.presenceNamed),
  /** Attached, and not among those named. */
  more: z.number().int().nonnegative(),
});
export type Presence = z.infer<typeof presenceSchema>;
