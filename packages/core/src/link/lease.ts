/**
 * When a runner is asked what lives on it: while something is under way there, so that a turn nobody works at any more is
 * found out although its runner is linked. Each answer renews what it names for as long again. Pure.
 */
export const leaseTimes = {
  /** Milliseconds from one question to the next, at most. */
  renewal: 30_000,
  /** The share of it that chance takes off, so that not all runners are asked at once. */
  jitter: 0.2,
} as const;

/**
 * due: when the runner is to be asked, as decided before; null: not at all. Times are clock milliseconds; random: from 0
 * to 1. It is asked when that time has come, if something is under way then.
 */
export function renewal(
  due: number | null,
  underWay: boolean,
  now: number,
  random: number,
): { readonly ask: boolean; readonly due: number | null } {
  if (!underWay) return { ask: false, due: null };
  if (due !== null && now < due) return { ask: false, due };
  return { ask: due !== null, due: now + leaseTimes.renewal * (1 - leaseTimes.jitter * random) };
}
