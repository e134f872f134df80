/** Calls once after so many milliseconds; returns the cancel function. */
export type After = (ms: number, call: () => void) => () => void;

/** Again and again, each time so many milliseconds after the last; returns the cancel function. */
export function repeatedly(after: After, ms: number, call: () => void): () => void {
  let cancel = (): void => undefined;
  const wait = (): void => {
    cancel = after(ms, () => {
      call();
      wait();
    });
  };
  wait();
  return () => cancel();
}

/** Keeps no process alive. */
export const realAfter: After = (ms, call) => {
  const timer = setTimeout(call, ms);
  timer.unref();
  return () => clearTimeout(timer);
};
