/**
 * How this server leaves (LINK15): it is not ready any more, whoever holds a connection open is told to connect anew, and
 * nobody new is let in; what is asked meanwhile is still answered. Over when nobody is left, or after a bound.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorBody } from '@holdfast/protocol/error.ts';

/** Milliseconds. */
export const drainTimes = {
  /** Over which those who are told to go spread. */
  within: 500,
  /** After which those who have not gone are cut off. */
  limit: 2_500,
} as const;

/** Between two looks whether anybody is left, ms. */
const lookAgainMs = 20;

/** A part of the server that holds connections open. */
export interface DrainPart {
  /** Called once. */
  tell(withinMs: number): void;
  /** Connections that are still open. */
  open(): number;
}

export class Drain {
  readonly #parts = new Set<DrainPart>();
  #begun = false;

  get begun(): boolean {
    return this.#begun;
  }

  /** For who comes now; null: they are welcome. */
  get refusal(): ErrorBody | null {
    if (!this.#begun) return null;
    return { kind: 'unavailable', message: 'This server is closing. Come again.', retryAfterMs: drainTimes.within };
  }

  add(part: DrainPart): void {
    this.#parts.add(part);
  }

  /** Resolves with how many are still there when the time is over. */
  async run(): Promise<number> {
    this.#begun = true;
    for (const part of this.#parts) part.tell(drainTimes.within);
    const end = performance.now() + drainTimes.limit;
    while (this.#open() > 0 && performance.now() < end) await delay(lookAgainMs);
    return this.#open();
  }

  #open(): number {
    return [...this.#parts].reduce((sum, part) => sum + part.open(), 0);
  }
}
