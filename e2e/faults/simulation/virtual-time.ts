/** A clock that stands still until it is moved, and what is to happen on it: everything of a run happens in its order. */
import type { Clock } from '@holdfast/link/client-interface.ts';

interface Appointment {
  readonly at: number;
  readonly call: () => void;
}

/** 2026-01-01T00:00:00Z: where the wall clock of every run begins. */
const epoch = Date.UTC(2026, 0, 1);

export class VirtualTime implements Clock {
  /** Ascending by time, then by when they were made. */
  #appointments: Appointment[] = [];
  #now = 0;

  now(): number {
    return this.#now;
  }

  time(): string {
    return new Date(epoch + this.#now).toISOString();
  }

  after(ms: number, call: () => void): () => void {
    const appointment = { at: this.#now + Math.max(0, ms), call };
    const later = this.#appointments.findIndex((other) => other.at > appointment.at);
    this.#appointments.splice(later < 0 ? this.#appointments.length : later, 0, appointment);
    return () => {
      const index = this.#appointments.indexOf(appointment);
      if (index >= 0) this.#appointments.splice(index, 1);
    };
  }

  /** Moves on by `ms`, one appointment after the other, each with all that follows from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (let next = this.#appointments[0]; next !== undefined && next.at <= end; next = this.#appointments[0]) {
      this.#appointments.shift();
      this.#now = next.at;
      next.call();
      await settled();
    }
    this.#now = end;
  }
}

/** All promises that can go on have gone on: nothing in a run waits for anything but its own clock. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
