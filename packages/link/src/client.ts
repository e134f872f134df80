/** The client of page and CLI: puts the pure machines of core on one connection after the other, whatever its way. */
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionView,
  type WakeReason,
  initialConnection,
  isConnected,
  nextDeadline,
  stepConnection,
} from '@holdfast/core/client/connection.ts';
import type { CommandBody } from '@holdfast/core/client/outbox.ts';
import { observable } from '@holdfast/core/client/observable.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import { type Alarm, alarm } from './alarm.ts';
import type {
  ClientOptions,
  ConnectionPath,
  HoldfastClient,
  InputHandle,
  LatencyStats,
  Notice,
  OpenOptions,
  OpenSession,
  SentCommand,
  SessionHandle,
  SessionSink,
  SessionsEvent,
} from './client-interface.ts';
import { CommandSender } from './command-sender.ts';
import type { Dialled } from './dial.ts';
import { Dialler } from './dialler.ts';
import { InputSender } from './input-sender.ts';
import type { Push } from './push.ts';
import { SessionLink } from './session-link.ts';
import { SessionsWatch } from './sessions-watch.ts';

const latencySamples = 20;
/** Longer than the connection lives without one. */
const pongMs = 60_000;

export function createClient(options: ClientOptions): HoldfastClient {
  return new LinkedClient(options);
}

class LinkedClient implements HoldfastClient {
  readonly connection = observable<ConnectionView>(initialConnection.view);
  readonly path = observable<ConnectionPath | null>(null);
  readonly latency = observable<LatencyStats>({ lastMs: null, medianMs: null, samples: 0 });
  readonly notices = observable<readonly Notice[]>([]);
  readonly #options: ClientOptions;
  readonly #dialler: Dialler;
  readonly #sender: CommandSender;
  readonly #watch: SessionsWatch;
  readonly #links = new Map<string, SessionLink>();
  readonly #inputs = new Map<string, InputSender>();
  readonly #alarm: Alarm;
  #state = initialConnection;
  #attempt: { readonly id: number; readonly dialled: Dialled } | null = null;
  /** The attempt everybody has been told is connected. */
  #connected: Dialled | null = null;
  /** Of the latest attempt that was opened. */
  #opening: ConnectionPath | null = null;
  #roundTrips: readonly number[] = [];
  #closed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#dialler = new Dialler(options);
    this.#alarm = alarm(options.clock, () => this.#step({ type: 'tick' }));
    this.#watch = new SessionsWatch(options.clock, options.random);
    this.#sender = new CommandSender({
      clock: options.clock,
      random: options.random,
      makeId: options.makeId,
      storage: options.storage,
      storageFailed: (error) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#notice({ kind: 'storage_failed', message: `unsent messages are kept in memory only: ${reason}` });
      },
      lastSeq: (sessionId) => this.#links.get(sessionId)?.lastSeq(),
    });
  }

  get outbox(): HoldfastClient['outbox'] {
    return this.#sender.entries;
  }

  connect(): void {
    if (!this.#closed) this.#step({ type: 'connect' });
  }

  wake(reason: WakeReason): void {
    if (this.#closed) return;
    this.#options.storage.rescan();
    if (reason !== 'foreground') this.#dialler.networkChanged();
    this.#step({ type: 'wake', reason });
  }

  openSession(sessionId: string, options: OpenOptions, sink: SessionSink): SessionHandle {
    this.#links.get(sessionId)?.close();
    const link = new SessionLink(sessionId, options, this.#noticing(sessionId, sink), {
      clock: this.#options.clock,
      random: this.#options.random,
      progressed: (which) => this.#progressed(which),
      closed: (which) => {
        if (this.#links.get(sessionId) === which) this.#links.delete(sessionId);
        this.#caughtUp();
      },
    });
    if (this.#closed) {
      link.close();
      return link;
    }
    this.#links.set(sessionId, link);
    this.#sender.seen(sessionId, link.lastSeq());
    if (this.#connected !== null) link.connected(this.#connected);
    return link;
  }

  openSessions(): readonly OpenSession[] {
    return [...this.#links.values()].map((link) => link.describe());
  }

  send(sessionId: string, command: CommandBody): Result<SentCommand> {
    return this.#sender.send(sessionId, command);
  }

  retry(commandId: string): void {
    this.#sender.retry(commandId);
  }

  discard(commandId: string): void {
    this.#sender.discard(commandId);
  }

  input(sessionId: string): InputHandle {
    const known = this.#inputs.get(sessionId);
    if (known !== undefined) return known;
    const input = new InputSender(sessionId, this.#options.makeId().slice(0, 48), this.#options.clock, () =>
      this.#inputs.delete(sessionId),
    );
    if (this.#closed) {
      input.close();
      return input;
    }
    this.#inputs.set(sessionId, input);
    if (this.#connected !== null) input.connected(this.#connected);
    return input;
  }

  watchSessions(listener: (event: SessionsEvent) => void): () => void {
    return this.#watch.add(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const link of [...this.#links.values()]) link.close();
    this.#step({ type: 'close' });
    for (const input of [...this.#inputs.values()]) input.close();
    this.#alarm.set(null);
    await this.#sender.close();
  }

  /** A terminal's keys belong to the process its log tells of. */
  #noticing(sessionId: string, sink: SessionSink): SessionSink {
    const runs = (generation: number): void => this.#inputs.get(sessionId)?.generation(generation);
    return {
      ...sink,
      facts: (facts) => {
        for (const fact of facts) if (fact.type === 'session.started') runs(fact.data.generation);
        sink.facts(facts);
      },
      reset: (tail) => {
        if (tail.base.generation > 0) runs(tail.base.generation);
        sink.reset(tail);
      },
    };
  }

  #progressed(link: SessionLink): void {
    this.#sender.seen(link.sessionId, link.lastSeq());
    this.#caughtUp();
  }

  #caughtUp(): void {
    if (this.#state.view.status !== 'catching-up') return;
    if ([...this.#links.values()].every((link) => link.settled)) {
      this.#step({ type: 'caught-up', attemptId: this.#state.attemptId });
    }
  }

  #step(event: ConnectionEvent): void {
    const moment = { at: this.#options.clock.now(), random: this.#options.random() };
    const { state, effects } = stepConnection(this.#state, event, moment, this.#options);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    this.#alarm.set(nextDeadline(this.#state));
    const dialled = isConnected(this.#state) ? (this.#attempt?.dialled ?? null) : null;
    if (dialled !== this.#connected) this.#announce(dialled);
    this.connection.set(this.#state.view);
  }

  #carryOut(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'open':
        this.#attempt = { id: effect.attemptId, dialled: this.#dial(effect.attemptId) };
        return;
      case 'drop':
        if (this.#attempt?.id !== effect.attemptId) return;
        this.#attempt.dialled.close();
        this.#attempt = null;
        return;
      case 'ping':
        this.#ping(effect.attemptId, effect.nonce);
        return;
      case 'latency':
        this.#measured(effect.ms);
        return;
      case 'report':
        this.#notice({ kind: 'first_connect_failed', message: effect.error.message });
    }
  }

  #dial(attemptId: number): Dialled {
    return this.#dialler.dial({
      opened: (transport) => {
        this.#opening = { transport, since: this.#options.clock.time() };
        this.#step({ type: 'opened', attemptId });
      },
      lost: (error) => this.#step({ type: 'lost', attemptId, error }),
      heard: () => this.#step({ type: 'heard', attemptId }),
      pushed: (push) => this.#pushed(push),
    });
  }

  #announce(dialled: Dialled | null): void {
    this.#connected = dialled;
    this.path.set(dialled === null ? null : this.#opening);
    const parts = [...this.#links.values(), ...this.#inputs.values(), this.#sender, this.#watch];
    for (const part of parts) {
      // One that was told may have ended this connection.
      if (this.#connected !== dialled) return;
      if (dialled === null) part.disconnected();
      else part.connected(dialled);
    }
    if (dialled !== null) this.#caughtUp();
  }

  #pushed(push: Push): void {
    if (push.type === 'session' || push.type === 'sessionDeleted') this.#watch.receive(push);
    if (push.type !== 'session') this.#links.get(push.sessionId)?.receive(push);
  }

  #ping(attemptId: number, nonce: string): void {
    this.#attempt?.dialled.request('ping', { nonce }, pongMs, (answer) => {
      if (answer.ok) this.#step({ type: 'pong', attemptId, nonce: answer.value.nonce });
    });
  }

  #measured(ms: number): void {
    this.#roundTrips = [...this.#roundTrips.slice(1 - latencySamples), ms];
    const sorted = this.#roundTrips.toSorted((a, b) => a - b);
    const medianMs = sorted[Math.floor(sorted.length / 2)] ?? null;
    this.latency.set({ lastMs: ms, medianMs, samples: sorted.length });
  }

  #notice(notice: Notice): void {
    this.notices.set([...this.notices.get(), notice]);
  }
}
