import { z } from 'zod';

/** Opaque to everyone but its maker. */
export const idSchema = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9_-]+$/, 'letters, digits, _ and - only');

export const seqSchema = z.number().int().nonnegative();
/** Absolute position in a stream, in bytes (tty) or UTF-16 units (preview) since its beginning. */
export const offsetSchema = z.number().int().nonnegative();
/** ISO 8601, UTC. */
export const timeSchema = z.iso.datetime();
