/**
 * Waits for a fact instead of for time: calls `look` until it returns something other than undefined, false or null.
 * A throw counts as "not yet"; the last one is the error's cause when the limit (milliseconds) is over.
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  limit = 10_000,
): Promise<Exclude<T, undefined | null | false>> {
  const end = performance.now() + limit;
  let cause: unknown;
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined && value !== null && value !== false) {
        return value as Exclude<T, undefined | null | false>;
      }
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > end) throw new Error(`never happened within ${limit} ms: ${what}`, { cause });
    await new Promise((next) => setTimeout(next, 10));
  }
}
