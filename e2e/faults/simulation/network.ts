/**
 * The network of a run. A wire is one connection: what it carries arrives in order or not at all, late, and, where the
 * protocol above may repeat it, twice. It can be cut (both ends are told, what is on its way may be lost), stall, or
 * be half-open (nobody is told until a heartbeat is missed). Order between wires is nobody's promise.
 */
import type { Channel } from '@holdfast/link/channel.ts';
import type { Random } from '@holdfast/testkit/random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** After so long without a heartbeat an end of a wire that leads nowhere is closed, ms. */
const heartbeatMs = 45_000;

export interface Weather {
  /** Longest time on the way, ms. */
  readonly delay: number;
  /** Share of the repeatable messages that come twice. */
  readonly repeats: number;
}

export const calm: Weather = { delay: 5, repeats: 0 };

export class Network {
  readonly time: VirtualTime;
  /** Set anew by each action of a run, so that leaving one out leaves the others as they were. */
  random: Random;
  weather: Weather = calm;
  readonly #record: (line: string) => void;

  constructor(time: VirtualTime, random: Random, record: (line: string) => void) {
    this.time = time;
    this.random = random;
    this.#record = record;
  }

  wire<Up, Down>(options: WireOptions): Wire<Up, Down> {
    return new Wire(this, options, this.#record);
  }

  delay(): number {
    return this.random.integer(this.weather.delay + 1);
  }
}

interface WireOptions {
  readonly name: string;
  /** May come twice without harm: the receiver knows it by an id. */
  readonly repeatable: (message: unknown) => boolean;
}

/** The dialling side sends Up and hears Down. */
export class Wire<Up, Down> {
  readonly near: End<Up, Down>;
  readonly far: End<Down, Up>;
  readonly #network: Network;
  readonly #options: WireOptions;
  readonly #record: (line: string) => void;
  /** What was sent before it was cut is lost. */
  #cuts = 0;
  #silent = false;
  #stalledUntil = 0;

  constructor(network: Network, options: WireOptions, record: (line: string) => void) {
    this.#network = network;
    this.#options = options;
    this.#record = record;
    this.near = new End<Up, Down>(
      (message) => this.#carry(this.far, message, '>'),
      () => this.#hangUp(this.far),
    );
    this.far = new End<Down, Up>(
      (message) => this.#carry(this.near, message, '<'),
      () => this.#hangUp(this.near),
    );
  }

  get open(): boolean {
    return this.near.open || this.far.open;
  }

  /** Both ends are told in their time. loses: what is on its way is gone. */
  cut(loses: boolean): void {
    if (loses) this.#cuts += 1;
    for (const end of [this.near, this.far]) this.#at(end, () => end.closed());
    this.#silent = true;
  }

  /** From now on everything is lost, and nobody is told. */
  halfOpen(): void {
    this.#silent = true;
    this.#cuts += 1;
    for (const end of [this.near, this.far]) this.#network.time.after(heartbeatMs, () => end.closed());
  }

  /** Nothing arrives for a while; then all of it does. */
  stall(ms: number): void {
    this.#stalledUntil = this.#network.time.now() + ms;
  }

  /** The process at this end is gone; the other end is told. */
  abandon(end: End<Up, Down> | End<Down, Up>): void {
    if (!end.open) return;
    end.dead();
    this.#hangUp(end === this.near ? this.far : this.near);
  }

  #carry(to: End<never, never> | End<Down, Up> | End<Up, Down>, message: unknown, direction: string): void {
    if (this.#silent) return;
    const cuts = this.#cuts;
    const copy = structuredClone(message);
    const arrive = (): void => {
      if (cuts !== this.#cuts || !to.open) return;
      this.#record(`${this.#network.time.now()} ${this.#options.name}${direction} ${typeOf(copy)}`);
      (to as End<unknown, unknown>).arrived(copy);
    };
    this.#at(to, arrive);
    const { random, weather } = this.#network;
    if (weather.repeats > 0 && this.#options.repeatable(copy) && random.next() < weather.repeats) this.#at(to, arrive);
  }

  #hangUp(other: End<Down, Up> | End<Up, Down>): void {
    if (!this.#silent) this.#at(other, () => other.closed());
    else this.#network.time.after(heartbeatMs, () => other.closed());
  }

  /** In order with everything else that comes to this end. */
  #at(to: { free: number }, call: () => void): void {
    const { time } = this.#network;
    to.free = Math.max(to.free, this.#stalledUntil, time.now() + this.#network.delay());
    time.after(to.free - time.now(), call);
  }
}

export class End<Out, In> implements Channel<Out, In> {
  readonly bufferedBytes = 0;
  open = true;
  /** Nothing more arrives here before. */
  free = 0;
  readonly #send: (message: Out) => void;
  readonly #hangUp: () => void;
  #inbox: In[] = [];
  #messageListener: ((message: In) => void) | null = null;
  #closeListeners: (() => void)[] = [];

  constructor(send: (message: Out) => void, hangUp: () => void) {
    this.#send = send;
    this.#hangUp = hangUp;
  }

  send(message: Out): void {
    if (this.open) this.#send(message);
  }

  onMessage(listener: (message: In) => void): void {
    this.#messageListener = listener;
    for (const message of this.#inbox.splice(0)) listener(message);
  }

  onClose(listener: () => void): void {
    if (this.open) this.#closeListeners.push(listener);
    else queueMicrotask(listener);
  }

  close(): void {
    if (!this.open) return;
    this.closed();
    this.#hangUp();
  }

  arrived(message: In): void {
    if (this.#messageListener === null) this.#inbox.push(message);
    else this.#messageListener(message);
  }

  closed(): void {
    if (!this.open) return;
    this.open = false;
    for (const listener of this.#closeListeners.splice(0)) queueMicrotask(listener);
  }

  /** Its process is gone: it hears nothing more, not even that. */
  dead(): void {
    this.open = false;
    this.#closeListeners = [];
  }
}

function typeOf(message: unknown): string {
  const { type, name, id } = message as { type?: string; name?: string; id?: number };
  return [type, name, id].filter((part) => part !== undefined).join(' ');
}
