import { setTimeout as delay } from 'node:timers/promises';

/** Longer than any of the server's limits makes one wait, ms. */
const limitMs = 180_000;

/** Again as soon as the server allows, when it says that there were too many requests: that limit is not what is measured. */
export async function paced<T>(call: () => Promise<T>): Promise<T> {
  for (const begin = performance.now(); ;) {
    try {
      return await call();
    } catch (error) {
      const wait =
        /"retryAfterMs":(\d+)/.exec(String(error))?.[1] ?? (/400 Bad Request/.test(String(error)) ? 200 : null);
      if (wait === null || performance.now() - begin > limitMs) throw error;
      await delay(Number(wait));
    }
  }
}
