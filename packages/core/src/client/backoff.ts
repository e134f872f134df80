/**
 * Exponential backoff with full jitter: a pause in milliseconds, evenly spread over [0, min(cap, base · 2^(attempt-1))).
 * attempt counts from 1; random is in [0, 1).
 */
export function fullJitter(
  attempt: number,
  random: number,
  pause: { readonly base: number; readonly cap: number },
): number {
  const ceiling = Math.min(pause.cap, pause.base * 2 ** Math.min(attempt - 1, 30));
  return Math.floor(random * ceiling);
}
