/** Carries out an input stream's effects for one terminal. */
import {
  type InputEffect,
  type InputEvent,
  type InputStream,
  fits,
  inputLimits,
  newInputStream,
  nextInputDue,
  stepInput,
} from '@holdfast/core/client/input-stream.ts';
import { type Settable, observable } from '@holdfast/core/client/observable.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import { type Alarm, alarm } from './alarm.ts';
import type { Clock, InputHandle, InputStatus } from './client-interface.ts';
import type { Dialled } from './dial.ts';

/** Later than the stream waits before it sends again: a late acknowledgement counts. */
const listenMs = 3 * inputLimits.answerMs;

export class InputSender implements InputHandle {
  readonly status: Settable<InputStatus> = observable<InputStatus>({ pendingBytes: 0, delay: null, error: null });
  readonly #sessionId: string;
  readonly #clock: Clock;
  readonly #onClose: () => void;
  readonly #alarm: Alarm;
  readonly #encoder = new TextEncoder();
  #stream: InputStream;
  #dialled: Dialled | null = null;
  #closed = false;

  /** base: an id no other stream has had, at most 48 characters. */
  constructor(sessionId: string, base: string, clock: Clock, onClose: () => void) {
    this.#sessionId = sessionId;
    this.#clock = clock;
    this.#onClose = onClose;
    this.#stream = newInputStream(base);
    this.#alarm = alarm(clock, () => this.#step({ type: 'tick' }));
  }

  write(data: Uint8Array | string): Result<null> {
    if (this.#closed) return fail('conflict', 'this input is closed');
    const bytes = typeof data === 'string' ? this.#encoder.encode(data) : data;
    if (!fits(this.#stream, bytes)) {
      return fail('quota_exceeded', 'too much is waiting for the terminal; nothing of this was sent');
    }
    if (bytes.byteLength === 0) return ok(null);
    this.status.set({ ...this.status.get(), error: null });
    this.#step({ type: 'write', data: bytes });
    return ok(null);
  }

  generation(generation: number): void {
    this.#step({ type: 'generation', generation });
  }

  connected(dialled: Dialled): void {
    this.#dialled = dialled;
    this.#step({ type: 'online' });
  }

  disconnected(): void {
    this.#dialled = null;
    this.#step({ type: 'offline' });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#dialled = null;
    this.#alarm.set(null);
    this.#onClose();
  }

  #step(event: InputEvent): void {
    if (this.#closed) return;
    const { stream, effects } = stepInput(this.#stream, event, this.#clock.now());
    this.#stream = stream;
    let { error } = this.status.get();
    for (const effect of effects) {
      if (effect.type === 'send') this.#send(effect);
      else error = effect.error;
    }
    this.#alarm.set(nextInputDue(this.#stream));
    const { kept, delayedBy, due } = this.#stream;
    const pendingBytes = kept.byteLength;
    const shown = this.status.get();
    const delayed = (shown.delay?.error ?? null) !== delayedBy;
    if (shown.pendingBytes === pendingBytes && shown.error === error && !delayed) return;
    this.status.set({ pendingBytes, error, delay: delayedBy && { error: delayedBy, until: due } });
  }

  #send({ inputId, round, offset, data }: Extract<InputEffect, { type: 'send' }>): void {
    this.#dialled?.request('input', { sessionId: this.#sessionId, inputId, offset, data }, listenMs, (answer) => {
      if (answer.ok) this.#step({ type: 'acknowledged', inputId, offset: answer.value.offset });
      else this.#step({ type: 'refused', inputId, round, error: answer.error });
    });
  }
}
