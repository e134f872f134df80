/**
 * Instructions on their way to one runner: how far those that wait were read, and which go now. A session of which many
 * are on their way waits for itself alone; the rest of a runner's sessions do not wait behind it.
 */
export const inFlightLimits = {
  /** Of one session. */
  perSession: 100,
  /** Of a runner. */
  all: 5_000,
} as const;

export class InFlight {
  /** Sent on this link and not done, with their sessions. */
  readonly #sent = new Map<number, string>();
  readonly #counts = new Map<string, number>();
  /** Sessions of which one was passed over since begin(): later ones of them must not go first. */
  readonly #waiting = new Set<string>();
  #readTo = 0;

  /** All up to this id were sent. */
  get readTo(): number {
    return this.#readTo;
  }

  get size(): number {
    return this.#sent.size;
  }

  get isFull(): boolean {
    return this.#sent.size >= inFlightLimits.all;
  }

  /** What waits is read once more, from readTo on, in order. */
  begin(): void {
    this.#waiting.clear();
  }

  /** The next that was read. true: it is to be sent now. */
  take(id: number, sessionId: string): boolean {
    const isSent = this.#sent.has(id);
    const count = this.#counts.get(sessionId) ?? 0;
    if (!isSent && count >= inFlightLimits.perSession) this.#waiting.add(sessionId);
    const goes = !isSent && !this.#waiting.has(sessionId);
    if (this.#waiting.size === 0) this.#readTo = id;
    if (!goes) return false;
    this.#sent.set(id, sessionId);
    this.#counts.set(sessionId, count + 1);
    return true;
  }

  has(id: number): boolean {
    return this.#sent.has(id);
  }

  /** It is done. true: it made room for some that may wait. */
  done(id: number): boolean {
    const sessionId = this.#sent.get(id) ?? '';
    const count = (this.#counts.get(sessionId) ?? 1) - 1;
    this.#sent.delete(id);
    if (count > 0) this.#counts.set(sessionId, count);
    else this.#counts.delete(sessionId);
    const half = (limit: number): number => Math.floor(limit / 2);
    return (
      this.#sent.size === 0 ||
      this.#sent.size === half(inFlightLimits.all) ||
      (this.#waiting.has(sessionId) && (count === 0 || count === half(inFlightLimits.perSession)))
    );
  }
}
