/** How long what is asked of a driver may take. A driver that never answers holds up nobody for longer. */
import type { After } from '../after.ts';

/** Milliseconds. Longer than the drivers' own, which know their agents: these are for a driver that does not answer. */
export interface AgentPatience {
  /** From a message's delivery to its being handed to the agent, the start of a process included. */
  readonly startMs: number;
  /** From Stop to the end of the turn; from there on the holder ends the process. */
  readonly stopMs: number;
  /** For an answer, a mode, a model, and for the holder where a driver has failed. */
  readonly callMs: number;
  /** From the end of a process to its driver's word on it. */
  readonly endMs: number;
}

export const agentPatience: AgentPatience = { startMs: 90_000, stopMs: 20_000, callMs: 30_000, endMs: 5_000 };

export class CallClock {
  readonly patience: AgentPatience;
  readonly #after: After;
  readonly #cancels = new Set<() => void>();

  constructor(after: After, patience: AgentPatience) {
    this.#after = after;
    this.patience = patience;
  }

  /** What it comes to, or null once its time is over: what it comes to then, nobody hears. */
  async within<T>(ms: number, work: Promise<T>): Promise<T | null> {
    const over = Promise.withResolvers<null>();
    const cancel = this.alarm(ms, () => over.resolve(null));
    try {
      return await Promise.race([work, over.promise]);
    } finally {
      cancel();
    }
  }

  /** Returns the cancel function. */
  alarm(ms: number, call: () => void): () => void {
    const stop = this.#after(ms, () => {
      this.#cancels.delete(cancel);
      call();
    });
    const cancel = (): void => {
      this.#cancels.delete(cancel);
      stop();
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  /** No time is over any more. */
  close(): void {
    for (const cancel of [...this.#cancels]) cancel();
  }
}
