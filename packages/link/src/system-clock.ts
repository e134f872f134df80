import type { Clock } from './client-interface.ts';

/** The real clock; now() goes on through changes of the wall time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  time: () => new Date().toISOString(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
