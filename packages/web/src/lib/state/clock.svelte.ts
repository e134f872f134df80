/** One ticking clock for everything on the page that counts; it stands still while nobody looks at it. */
import { createSubscriber } from 'svelte/reactivity';

const ticking = (period: number) =>
  createSubscriber((update) => {
    const timer = setInterval(update, period);
    return () => clearInterval(timer);
  });

const everySecond = ticking(1_000);
const everyMinute = ticking(30_000);

/** Milliseconds since 1970, new each second. */
export function secondClock(): number {
  everySecond();
  return Date.now();
}

/** Milliseconds since 1970, new twice a minute. */
export function minuteClock(): number {
  everyMinute();
  return Date.now();
}

/** The client's clock tells spans, this one moments: when `clockMs` of the one is, in milliseconds since 1970. */
export const wallTime = (clockMs: number): number => Date.now() + clockMs - performance.now();
