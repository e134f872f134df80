/** Asks each linked runner again and again what lives on it, for as long as something is under way there. */
import { renewal } from '@holdfast/core/link/lease.ts';
import { isUnderWay } from '@holdfast/core/session/turns.ts';
import type { SessionRow } from '@holdfast/store/store.ts';
import { stateOf } from './decisions.ts';

export interface LeasesOptions {
  /** A runner is to say what lives on it. */
  readonly ask: (runnerId: string) => void;
  /** Clock milliseconds. */
  readonly now: () => number;
  /** Calls once after so many of them; returns the cancel function. */
  readonly later: (ms: number, call: () => void) => () => void;
  /** From 0 to 1. */
  readonly random: () => number;
}

interface Lease {
  due: number | null;
  cancel: () => void;
}

export class Leases {
  readonly #options: LeasesOptions;
  /** By runner: its sessions with something under way, as they were last written. */
  readonly #underWay = new Map<string, Map<string, SessionRow>>();
  /** Of linked runners. */
  readonly #leases = new Map<string, Lease>();

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /** It was written, or read when its runner came. */
  note(row: SessionRow): void {
    const { id, runnerId } = row;
    const rows = this.#underWay.get(runnerId) ?? new Map<string, SessionRow>();
    if (isUnderWay(stateOf(row))) this.#underWay.set(runnerId, rows.set(id, row));
    else if (rows.delete(id) && rows.size === 0) this.#underWay.delete(runnerId);
    this.#renew(runnerId);
  }

  forget({ id, runnerId }: SessionRow): void {
    this.#underWay.get(runnerId)?.delete(id);
  }

  underWay(runnerId: string): readonly SessionRow[] {
    return [...(this.#underWay.get(runnerId)?.values() ?? [])];
  }

  linked(runnerId: string): void {
    if (!this.#leases.has(runnerId)) this.#leases.set(runnerId, { due: null, cancel: () => undefined });
    this.#renew(runnerId);
  }

  /** What is under way there waits for it. */
  gone(runnerId: string): void {
    this.#leases.get(runnerId)?.cancel();
    this.#leases.delete(runnerId);
  }

  close(): void {
    for (const runnerId of [...this.#leases.keys()]) this.gone(runnerId);
  }

  #renew(runnerId: string): void {
    const lease = this.#leases.get(runnerId);
    if (lease === undefined) return;
    const { now, later, random, ask } = this.#options;
    const before = lease.due;
    const step = renewal(before, (this.#underWay.get(runnerId)?.size ?? 0) > 0, now(), random());
    lease.due = step.due;
    if (step.due !== before) {
      lease.cancel();
      lease.cancel = step.due === null ? () => undefined : later(step.due - now(), () => this.#renew(runnerId));
    }
    if (step.ask) ask(runnerId);
  }
}
