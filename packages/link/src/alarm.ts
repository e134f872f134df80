import type { Clock } from './client-interface.ts';

/** One timer that may be set again at any time. It may ring early, never late: who hears it looks at the clock. */
export interface Alarm {
  /** Clock milliseconds; null: not needed any more. */
  set(at: number | null): void;
}

export function alarm(clock: Clock, ring: () => void): Alarm {
  let due: number | null = null;
  let cancel: (() => void) | null = null;
  return {
    set: (at) => {
      if (at !== null && due !== null && due <= at) return;
      cancel?.();
      cancel = null;
      due = at;
      if (at === null) return;
      cancel = clock.after(Math.max(0, at - clock.now()), () => {
        due = null;
        cancel = null;
        ring();
      });
    },
  };
}
