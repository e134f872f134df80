/** A refusal as the page keeps it: with the moment from which it can be tried again. */
import type { ErrorBody } from '@holdfast/protocol/error.ts';

export interface Refused {
  readonly error: ErrorBody;
  /** Milliseconds since 1970; null: nobody knows. */
  readonly until: number | null;
}

/** now: when it was refused, milliseconds since 1970. */
export function refusedAt(error: ErrorBody, now: number = Date.now()): Refused {
  return { error, until: error.retryAfterMs === undefined ? null : now + error.retryAfterMs };
}

/** For an effect: calls once when the wait of a refusal is over. Returns the function that ends the waiting. */
export function whenPassed({ until }: Refused, call: () => void): () => void {
  if (until === null) return () => undefined;
  const timer = setTimeout(call, Math.max(0, until - Date.now()));
  return () => clearTimeout(timer);
}
