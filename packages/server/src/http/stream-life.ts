/**
 * Whether somebody still reads one event stream. A stream goes one way, so the client's signs of life are requests that
 * name it: one that has answered a heartbeat has to answer them all (core's liveness). One that never does, as curl or an
 * EventSource, is only known to be there by what its connection takes: it is given up when that stops while something
 * waits for it, or when the system finds out that nobody is at the other end.
 */
import { type Liveness, answered, ask, deadAt, heard, livenessDue, newLiveness } from '@holdfast/core/link/liveness.ts';
import { alarm } from '@holdfast/link/alarm.ts';
import type { Clock } from '@holdfast/link/client-interface.ts';
import type { EventWriter } from './event-writer.ts';

export interface StreamLifeOptions {
  readonly streamId: string;
  readonly writer: EventWriter;
  readonly clock: Clock;
  /** With each heartbeat. */
  readonly beat: () => void;
}

export class StreamLife {
  readonly #options: StreamLifeOptions;
  readonly #timer;
  #liveness: Liveness;
  #answers = false;
  #taken = 0;

  constructor(options: StreamLifeOptions) {
    this.#options = options;
    this.#liveness = newLiveness(options.clock.now());
    this.#timer = alarm(options.clock, () => this.#look());
  }

  /** After the stream's first event. */
  begin(): void {
    this.#beat();
    this.#timer.set(livenessDue(this.#liveness));
  }

  answered(nonce: string): void {
    this.#answers = true;
    this.#liveness = answered(this.#liveness, nonce, this.#options.clock.now()).liveness;
  }

  heard(): void {
    this.#liveness = heard(this.#liveness, this.#options.clock.now());
  }

  stop(): void {
    this.#timer.set(null);
  }

  #look(): void {
    const { writer, clock, beat } = this.#options;
    const { taken } = writer;
    if (!this.#answers && (writer.idle || taken > this.#taken)) this.heard();
    this.#taken = taken;
    if (clock.now() >= deadAt(this.#liveness)) return writer.abandon();
    if (clock.now() >= this.#liveness.nextPing) {
      this.#beat();
      beat();
    }
    this.#timer.set(livenessDue(this.#liveness));
  }

  #beat(): void {
    const { streamId, writer, clock } = this.#options;
    const { liveness, nonce } = ask(this.#liveness, streamId, clock.now());
    this.#liveness = liveness;
    writer.event('heartbeat', { at: clock.time(), streamId, nonce });
  }
}
