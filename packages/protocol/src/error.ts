/**
 * The closed union of everything that can be refused, each kind with the HTTP status it travels under.
 * A kind tells the caller what to do next; the message tells a person.
 */
import { z } from 'zod';

export const errorStatus = {
  /** The request does not fit its schema: mend it, do not repeat it. */
  bad_request: 400,
  /** No login or key, or one that is not valid: log in again. */
  unauthenticated: 401,
  /** Known, but not allowed: asking again does not help. */
  forbidden: 403,
  not_found: 404,
  /** The state has moved on: read it again, then decide. */
  conflict: 409,
  /** The id of a command was used before for another body: make a new id. */
  command_id_reused: 409,
  session_ended: 409,
  /** Somebody else was first; details say who and when. */
  already_answered: 409,
  unknown_kind: 400,
  path_outside_roots: 403,
  payload_too_large: 413,
  unsupported_version: 426,
  /** Wait retryAfterMs, then repeat. */
  rate_limited: 429,
  quota_exceeded: 429,
  internal: 500,
  /** The agent asked for cannot run here; the message says what to do (key, login command). */
  agent_unavailable: 503,
  runner_offline: 503,
  /** The store or another part cannot answer now: repeat later with the same id. */
  unavailable: 503,
  timeout: 504,
} as const;

export type ErrorKind = keyof typeof errorStatus;

const errorKinds = Object.keys(errorStatus) as [ErrorKind, ...ErrorKind[]];

export const errorBodySchema = z.object({
  kind: z.enum(errorKinds),
  message: z.string().max(2_000),
  details: z.record(z.string(), z.unknown()).optional(),
  /** Milliseconds until a repeat can succeed. */
  retryAfterMs: z.number().int().nonnegative().optional(),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

export const errorResponseSchema = z.object({ error: errorBodySchema });
export type ErrorResponse = z.infer<typeof errorResponseSchema>;

/** An expected failure is a value; only bugs throw. */
export type Result<T> = { ok: true; value: T } | { ok: false; error: ErrorBody };

export const ok = <T>(value: T): Result<T> => ({ ok: true, value });

export const fail = (
  kind: ErrorKind,
  message: string,
  extra: Pick<ErrorBody, 'details' | 'retryAfterMs'> = {},
): { ok: false; error: ErrorBody } => ({ ok: false, error: { kind, message, ...extra } });
