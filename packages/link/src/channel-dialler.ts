/**
 * Keeps dialling a server and hands out a fresh Channel for each connection that is established. The state machine of
 * core decides when; this carries it out.
 */
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionView,
  initialConnection,
  nextDeadline,
  stepConnection,
} from '@holdfast/core/client/connection.ts';
import { type Observable, observable } from '@holdfast/core/client/observable.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import { type Alarm, alarm } from './alarm.ts';
import type { Channel } from './channel.ts';
import type { Clock } from './client-interface.ts';
import { type DialOptions, type DialledSocket, dialSocket } from './dial.ts';
import { type ChannelLimits, type SocketChannel, socketChannel } from './socket-channel.ts';

export interface ChannelDiallerOptions<Out, In> {
  readonly dial: DialOptions & { readonly key: string };
  readonly limits: ChannelLimits;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** See SocketChannelOptions. */
  readonly tooLarge: (message: Out, size: number) => Out | null;
  /** A connection is there; its channel ends with it, and with close(). */
  readonly onChannel: (channel: Channel<Out, In>) => void;
  /** The very first connect failed; called once. It is tried again, unless `connection` says `failed`. */
  readonly onFirstFailure: (error: ErrorBody) => void;
}

export interface ChannelDialler {
  readonly connection: Observable<ConnectionView>;
  /** Begins; does nothing while it dials or is connected. */
  connect(): void;
  /** Ends this connection and dials again after a pause. */
  redial(error: ErrorBody): void;
  close(): void;
}

/** Longer than the connection lives without an answer. */
const pongMs = 60_000;

export function channelDialler<Out, In>(options: ChannelDiallerOptions<Out, In>): ChannelDialler {
  return new Dialler(options);
}

interface Attempt<Out, In> {
  readonly id: number;
  readonly socket: DialledSocket;
  channel: SocketChannel<Out, In> | null;
}

class Dialler<Out, In> implements ChannelDialler {
  readonly connection = observable<ConnectionView>(initialConnection.view);
  readonly #options: ChannelDiallerOptions<Out, In>;
  readonly #alarm: Alarm;
  #state = initialConnection;
  #attempt: Attempt<Out, In> | null = null;

  constructor(options: ChannelDiallerOptions<Out, In>) {
    this.#options = options;
    this.#alarm = alarm(options.clock, () => this.#step({ type: 'tick' }));
  }

  connect(): void {
    this.#step({ type: 'connect' });
  }

  redial(error: ErrorBody): void {
    this.#step({ type: 'lost', attemptId: this.#state.attemptId, error });
  }

  close(): void {
    this.#step({ type: 'close' });
  }

  #step(event: ConnectionEvent): void {
    const moment = { at: this.#options.clock.now(), random: this.#options.random() };
    const { state, effects } = stepConnection(this.#state, event, moment, { firstFailure: 'retry' });
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    this.#alarm.set(nextDeadline(this.#state));
    this.connection.set(this.#state.view);
  }

  #carryOut(effect: ConnectionEffect): void {
    const attempt = this.#attempt;
    switch (effect.type) {
      case 'open':
        this.#open(effect.attemptId);
        return;
      case 'drop':
        if (attempt?.id !== effect.attemptId) return;
        this.#attempt = null;
        attempt.socket.close();
        attempt.channel?.lost();
        return;
      case 'ping':
        attempt?.socket.request('ping', { nonce: effect.nonce }, pongMs, (answer) => {
          if (answer.ok) this.#step({ type: 'pong', attemptId: effect.attemptId, nonce: answer.value.nonce });
        });
        return;
      case 'report':
        this.#options.onFirstFailure(effect.error);
        return;
      case 'latency':
        return;
    }
  }

  #open(attemptId: number): void {
    const socket = dialSocket(this.#options.dial, {
      opened: (serverId) => this.#opened(attemptId, serverId),
      move: (withinMs) => this.#step({ type: 'move', attemptId, withinMs }),
      lost: (error) => this.#step({ type: 'lost', attemptId, error }),
      heard: () => this.#step({ type: 'heard', attemptId }),
      received: (name, value) => {
        if (this.#attempt?.id === attemptId) this.#attempt.channel?.received(name, value);
      },
    });
    this.#attempt = { id: attemptId, socket, channel: null };
  }

  #opened(attemptId: number, serverId: string): void {
    const attempt = this.#attempt;
    if (attempt?.id !== attemptId) return;
    const { limits, tooLarge, onChannel } = this.#options;
    attempt.channel = socketChannel<Out, In>({
      limits,
      tooLarge,
      emit: (name, value) => attempt.socket.emit(name, value),
      hangUp: () => this.#step({ type: 'lost', attemptId, error: closedHere }),
    });
    // There is nothing to catch up with: a runner says all it has with its hello.
    this.#step({ type: 'opened', attemptId, serverId });
    this.#step({ type: 'caught-up', attemptId });
    onChannel(attempt.channel.channel);
  }
}

const closedHere: ErrorBody = { kind: 'unavailable', message: 'the connection was closed on this side' };
