/** Where a page of the session list ended: opaque to its reader, checked when it comes back. */
import { idSchema, timeSchema } from '@holdfast/protocol/id.ts';

export interface ListPlace {
  readonly lastActivityAt: string;
  readonly id: string;
}

export function encodeCursor(place: ListPlace): string {
  return Buffer.from(JSON.stringify([place.lastActivityAt, place.id])).toString('base64url');
}

/** null: not one of ours. */
export function decodeCursor(cursor: string): ListPlace | null {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null;
  }
  if (!Array.isArray(parts) || parts.length !== 2) return null;
  const lastActivityAt = timeSchema.safeParse(parts[0]);
  const id = idSchema.safeParse(parts[1]);
  return lastActivityAt.success && id.success ? { lastActivityAt: lastActivityAt.data, id: id.data } : null;
}
