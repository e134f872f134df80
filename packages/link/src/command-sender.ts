/** Carries out the outbox's effects: storage, sockets, clock. */
import {
  type CommandBody,
  type DeliveryState,
  type OutboxEffect,
  type OutboxEntry,
  type OutboxEvent,
  emptyOutbox,
  isFull,
  nextDue,
  outboxLimits,
  stepOutbox,
} from '@holdfast/core/client/outbox.ts';
import { type Observable, type Settable, observable } from '@holdfast/core/client/observable.ts';
import { commandSchema } from '@holdfast/protocol/command.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import { type Alarm, alarm } from './alarm.ts';
import type { Clock, SentCommand } from './client-interface.ts';
import type { Dialled } from './dial.ts';
import type { OutboxStorage } from './outbox-storage.ts';

export interface CommandSenderContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly makeId: () => string;
  readonly storage: OutboxStorage;
  /** Called once, with the first failure: from then on commands live in memory only. */
  storageFailed(error: unknown): void;
  /** The last fact handed out of a session that is open here. */
  lastSeq(sessionId: string): number | undefined;
}

/** A storage that does not answer for so long, ms, is none: some browsers' private windows never do. */
const storageMs = 5_000;

/** How long an answer is still listened for; later than the outbox waits for it, since a late receipt is a receipt. */
const listenMs = 6 * outboxLimits.answerMs;

export class CommandSender {
  readonly #context: CommandSenderContext;
  readonly #entries = observable<readonly OutboxEntry[]>([]);
  readonly #states = new Map<string, Settable<DeliveryState>>();
  readonly #alarm: Alarm;
  #state = emptyOutbox;
  #dialled: Dialled | null = null;
  /** Storage calls run one after the other: what was said last is what is kept. */
  #storing: Promise<void>;
  #storageFailed = false;
  #closed = false;

  constructor(context: CommandSenderContext) {
    this.#context = context;
    this.#alarm = alarm(context.clock, () => this.#step({ type: 'tick' }));
    this.#storing = this.#attempt(() =>
      context.storage.open((commands) => {
        if (!this.#closed) this.#step({ type: 'adopt', commands });
      }),
    );
  }

  get entries(): Observable<readonly OutboxEntry[]> {
    return this.#entries;
  }

  send(sessionId: string, body: CommandBody): Result<SentCommand> {
    const id = this.#context.makeId();
    const parsed = commandSchema.safeParse({ ...body, id });
    if (!parsed.success) {
      return fail('bad_request', parsed.error.issues[0]?.message ?? 'the command does not fit its schema');
    }
    if (this.#closed) return fail('unavailable', 'this client is closed');
    if (isFull(this.#state)) {
      return fail('quota_exceeded', `${outboxLimits.entries} commands wait to be sent; wait, or discard some`);
    }
    const state = observable<DeliveryState>({ status: 'saving' });
    this.#states.set(id, state);
    this.#step({ type: 'add', id, sessionId, command: parsed.data, createdAt: this.#context.clock.time() });
    return ok({ id, state });
  }

  retry(id: string): void {
    this.#step({ type: 'retry', id });
  }

  discard(id: string): void {
    this.#step({ type: 'discard', id });
  }

  /** The session's log has been handed out up to seq. */
  seen(sessionId: string, seq: number): void {
    const concerned = this.#state.entries.some(
      (entry) => entry.sessionId === sessionId && entry.state.status === 'stored',
    );
    if (concerned) this.#step({ type: 'seen', sessionId, seq });
  }

  connected(dialled: Dialled): void {
    this.#dialled = dialled;
    this.#step({ type: 'online' });
  }

  disconnected(): void {
    this.#dialled = null;
    this.#step({ type: 'offline' });
  }

  /** Resolves when what was to be kept is kept. */
  async close(): Promise<void> {
    this.#closed = true;
    this.disconnected();
    this.#alarm.set(null);
    await this.#storing;
    await this.#attempt(() => this.#context.storage.close());
  }

  #step(event: OutboxEvent): void {
    const moment = { at: this.#context.clock.now(), random: this.#context.random() };
    const { state, effects } = stepOutbox(this.#state, event, moment);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    if (!this.#closed) this.#alarm.set(nextDue(this.#state));
    this.#publish();
  }

  #publish(): void {
    const { entries } = this.#state;
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    for (const [id, state] of this.#states) {
      const entry = byId.get(id);
      if (entry !== undefined) {
        state.set(entry.state);
      } else {
        this.#states.delete(id);
        if (state.get().status !== 'stored') state.set({ status: 'discarded' });
      }
    }
    this.#entries.set(entries);
  }

  #carryOut(effect: OutboxEffect): void {
    switch (effect.type) {
      case 'keep':
        this.#store(
          () => this.#context.storage.put(effect.command),
          () => this.#step({ type: 'kept', id: effect.command.id }),
        );
        return;
      case 'forget':
        this.#store(
          () => this.#context.storage.remove(effect.id),
          () => undefined,
        );
        return;
      case 'send':
        this.#transmit(effect);
    }
  }

  #transmit({ sessionId, command, send }: Extract<OutboxEffect, { type: 'send' }>): void {
    this.#dialled?.request('command', { sessionId, command }, listenMs, (answer) => {
      const result = answer.ok ? ok(answer.value.receipt) : answer;
      this.#step({ type: 'answered', id: command.id, send, result });
      const seq = this.#context.lastSeq(sessionId);
      if (seq !== undefined) this.seen(sessionId, seq);
    });
  }

  #store(call: () => Promise<void>, after: () => void): void {
    this.#storing = this.#storing
      .then(() => this.#attempt(call))
      .then(after)
      .catch(unexpected);
  }

  /** Never rejects: without a storage the commands are as safe as this client's life. */
  async #attempt(call: () => Promise<void>): Promise<void> {
    if (this.#storageFailed) return;
    try {
      await this.#inTime(call());
    } catch (error) {
      if (this.#storageFailed) return;
      this.#storageFailed = true;
      this.#context.storageFailed(error);
    }
  }

  async #inTime(stored: Promise<void>): Promise<void> {
    let cancel = (): void => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#context.clock.after(storageMs, () => reject(new Error('the storage does not answer')));
    });
    try {
      await Promise.race([stored, late]);
    } finally {
      cancel();
    }
  }
}

/** Storage failures are dealt with before: what gets here is a bug, rethrown where it is seen. */
function unexpected(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
