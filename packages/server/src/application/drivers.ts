/**
 * Who drives which open terminal, as the log says, and that it does not stay theirs when they are gone: who has had no
 * connection for the grace is released by a fact, also when the server that saw them leave is another one.
 */
import { ok } from '@holdfast/protocol/error.ts';
import type { Driver } from '@holdfast/protocol/presence.ts';
import { releaseDriver } from '@holdfast/core/session/accept.ts';
import { isSameClient } from '@holdfast/core/session/driver.ts';
import type { SessionRow, Store } from '@holdfast/store/store.ts';
import type { Logger } from 'pino';
import { changeOf, stateOf } from './decisions.ts';
import { type Announcements, announceWritten } from './events.ts';

/** How long somebody may be away and still drive, ms. */
export const driverGraceMs = 10_000;

export interface DriversOptions {
  readonly store: Pick<Store, 'change'>;
  readonly announcements: Announcements;
  readonly isConnected: (sessionId: string, driver: Driver) => boolean;
  /** Wall time, ISO 8601 UTC. */
  readonly time: () => string;
  readonly newId: () => string;
  /** Calls back once after so many ms, and is cancelled by the answer. */
  readonly later: (ms: number, call: () => void) => () => void;
  readonly log: Logger;
}

interface Seen {
  /** The log's end when this was so: a row that was read earlier says nothing new. */
  readonly seq: number;
  readonly driver: Driver | null;
  /** Of the release that is to come; null: the driver is there. */
  cancel: (() => void) | null;
}

export class Drivers {
  readonly #options: DriversOptions;
  /** Terminals that have not ended. */
  readonly #seen = new Map<string, Seen>();

  constructor(options: DriversOptions) {
    this.#options = options;
  }

  of(sessionId: string): Driver | null {
    return this.#seen.get(sessionId)?.driver ?? null;
  }

  /** The row as it was read. True: another one drives, or nobody does any more. */
  look(session: SessionRow): boolean {
    const { end, terminal, driver } = stateOf(session);
    if (terminal === null) return false;
    if (end !== 'none') return this.forget(session.id);
    const known = this.#seen.get(session.id);
    if (known !== undefined && session.lastSeq < known.seq) return false;
    const same = known !== undefined && isSame(known.driver, driver);
    if (!same) known?.cancel?.();
    const { lastSeq: seq, id } = session;
    this.#seen.set(id, { seq, driver, cancel: same ? known.cancel : null });
    this.moved(id);
    return !same && (known !== undefined || driver !== null);
  }

  /** Connections came or went: the driver's grace begins, or is over because it is back. */
  moved(sessionId: string): void {
    const seen = this.#seen.get(sessionId);
    if (seen === undefined || seen.driver === null) return;
    if (this.#options.isConnected(sessionId, seen.driver)) {
      seen.cancel?.();
      seen.cancel = null;
    } else {
      seen.cancel ??= this.#options.later(driverGraceMs, () => this.#release(sessionId));
    }
  }

  /** True: somebody drove. */
  forget(sessionId: string): boolean {
    const seen = this.#seen.get(sessionId);
    seen?.cancel?.();
    this.#seen.delete(sessionId);
    return seen !== undefined && seen.driver !== null;
  }

  close(): void {
    for (const sessionId of [...this.#seen.keys()]) this.forget(sessionId);
  }

  #release(sessionId: string): void {
    const seen = this.#seen.get(sessionId);
    if (seen === undefined || seen.driver === null) return;
    const { store, announcements, isConnected, time, newId, log } = this.#options;
    const { driver } = seen;
    seen.cancel = null;
    const at = time();
    store
      .change(sessionId, at, (current) => {
        const { workspaceId, ownerId } = current;
        const context = { sessionId, workspaceId, ownerId, at, newId, cwd: '', rules: [] };
        const gone = isConnected(sessionId, driver) ? null : driver;
        return ok({ ...changeOf(releaseDriver(stateOf(current), gone, context)), silent: true });
      })
      .then((written) => {
        if (!written.ok) return void this.forget(sessionId);
        if (written.value.facts.length > 0) announceWritten(announcements, written.value);
      })
      .catch((error: unknown) => {
        log.warn({ err: error, sessionId }, 'a driver that is gone could not be released yet');
        // It is tried again after another grace.
        this.moved(sessionId);
      });
  }
}

const isSame = (a: Driver | null, b: Driver | null): boolean => a === b || isSameClient(a, b);
