/**
 * Sessions that a person has deleted and may still take back (KEEP7). Nothing is sent before the time for that is over
 * or the page is left, so that undoing costs nothing and what runs in a session goes on until then.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { ErrorBody, Result } from '@holdfast/protocol/error.ts';

export interface DeletionsOptions {
  /** keepalive: the page is being left; the request must outlive it. */
  readonly send: (sessionId: string, keepalive: boolean) => Promise<Result<null>>;
  /** It is still there: why. */
  readonly failed: (sessionId: string, error: ErrorBody) => void;
}

interface Deletion {
  /** null: it has been sent. */
  timer: ReturnType<typeof setTimeout> | null;
  sent: Promise<void>;
}

export const undoMs = 10_000;

export class Deletions {
  readonly #options: DeletionsOptions;
  readonly #underway = new SvelteMap<string, Deletion>();

  constructor(options: DeletionsOptions) {
    this.#options = options;
  }

  /** From the moment it was asked for until the server's answer. */
  has(sessionId: string): boolean {
    return this.#underway.has(sessionId);
  }

  begin(sessionId: string): void {
    if (this.#underway.has(sessionId)) return;
    const timer = setTimeout(() => this.#send(sessionId, false), undoMs);
    this.#underway.set(sessionId, { timer, sent: Promise.resolve() });
  }

  undo(sessionId: string): void {
    const deletion = this.#underway.get(sessionId);
    if (deletion === undefined || deletion.timer === null) return;
    clearTimeout(deletion.timer);
    this.#underway.delete(sessionId);
  }

  /** Sends what still waits; resolves when all is answered. keepalive: see above. */
  async sendAll(keepalive: boolean): Promise<void> {
    for (const id of [...this.#underway.keys()]) this.#send(id, keepalive);
    await Promise.all([...this.#underway.values()].map(({ sent }) => sent));
  }

  #send(sessionId: string, keepalive: boolean): void {
    const deletion = this.#underway.get(sessionId);
    if (deletion === undefined || deletion.timer === null) return;
    clearTimeout(deletion.timer);
    deletion.timer = null;
    deletion.sent = this.#options.send(sessionId, keepalive).then((result) => {
      this.#underway.delete(sessionId);
      // Gone is gone, whoever did it.
      if (!result.ok && result.error.kind !== 'not_found') this.#options.failed(sessionId, result.error);
    });
  }
}
