/** Calls once after so many milliseconds; returns the cancel function. */
export type After = (ms: number, call: () => void) => () => void;

/** Keeps no process alive. */
export const realAfter: After = (ms, call) => {
  const timer = setTimeout(call, ms);
  timer.unref();
  return () => clearTimeout(timer);
};
