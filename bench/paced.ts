import { setTimeout as delay } from 'node:timers/promises';

/** Again as soon as the server allows, when it says that there were too many requests: that limit is not what is measured. */
export async function paced<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const wait =
        /"retryAfterMs":(\d+)/.exec(String(error))?.[1] ?? (/400 Bad Request/.test(String(error)) ? 200 : null);
      if (wait === null) throw error;
      await delay(Number(wait));
    }
  }
}
