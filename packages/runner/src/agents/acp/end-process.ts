/** Ends a held process: first it may finish by itself, then it is told to, then it is made to. */
import type { Holder } from '@holdfast/holder/process.ts';

export interface EndPatience {
  /** Milliseconds between the end of its input and SIGTERM, and between that and SIGKILL. */
  readonly politeMs: number;
}

/** exited resolves when the process is gone. Resolves then, or when nothing more can be done. */
export async function endProcess(
  holder: Holder,
  processId: string,
  exited: Promise<void>,
  { politeMs }: EndPatience,
): Promise<void> {
  const steps = [
    () => holder.closeInput(processId),
    () => holder.signal(processId, 'SIGTERM'),
    () => holder.signal(processId, 'SIGKILL'),
  ];
  for (const step of steps) {
    const done = await step();
    if (!done.ok && (done.error.kind === 'disconnected' || done.error.kind === 'not_found')) return;
    if (await within(politeMs, exited)) return;
  }
}

/** true: it happened within so many milliseconds. */
export async function within(milliseconds: number, what: Promise<unknown>): Promise<boolean> {
  const timer = Promise.withResolvers<false>();
  const timeout = setTimeout(() => timer.resolve(false), milliseconds);
  try {
    return await Promise.race([what.then(() => true), timer.promise]);
  } finally {
    clearTimeout(timeout);
  }
}
