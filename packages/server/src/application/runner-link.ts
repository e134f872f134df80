/** The server's end of one runner's channel: instructions out, reports in, questions and keystrokes both ways. */
import { type ErrorBody, type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import {
  type InventoryItem,
  type Report,
  type RunnerAnswer,
  type RunnerQuestion,
  type ToRunner,
  type ToServer,
  runnerAnswerSchemas,
  toServerSchema,
} from '@holdfast/protocol/runner.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import type { Channel } from '@holdfast/link/channel.ts';
import type { Delivery } from '@holdfast/store/store.ts';
import type { Logger } from 'pino';

const answerTimeoutMs = 10_000;
/** Messages that do not fit, per link; with one more it is closed. */
const misfitsAllowed = 100;

/** What a link tells; the calls of one link are in the order of its messages. */
export interface RunnerLinkEvents {
  hello(link: RunnerLink, inventory: readonly InventoryItem[]): void;
  inventory(link: RunnerLink, inventory: readonly InventoryItem[]): void;
  report(link: RunnerLink, report: Report): void;
  done(link: RunnerLink, deliveryId: number): void;
  ttyOpened(link: RunnerLink, sessionId: string, first: number): void;
  tty(link: RunnerLink, sessionId: string, offset: number, data: Uint8Array): void;
  preview(link: RunnerLink, sessionId: string, preview: Preview): void;
  closed(link: RunnerLink): void;
}

interface WaitingInput {
  readonly end: number;
  readonly settle: (result: Result<{ offset: number }>) => void;
}

export class RunnerLink {
  id = '';
  name = '';
  roots: readonly string[] = [];
  /** Sessions that something was uploaded for when it came. */
  uploads: readonly string[] = [];
  /** Whose runner it is; null: part of this server. */
  readonly ownerId: string | null;
  readonly #channel: Channel<ToRunner, ToServer>;
  readonly #events: RunnerLinkEvents;
  readonly #log: Logger;
  readonly #newId: () => string;
  readonly #answers = new Map<string, (result: Result<unknown>) => void>();
  readonly #inputs = new Map<string, WaitingInput[]>();
  #open = true;
  #greeted = false;
  #welcomed = false;
  #misfits = 0;

  constructor(
    channel: Channel<ToRunner, ToServer>,
    ownerId: string | null,
    events: RunnerLinkEvents,
    newId: () => string,
    log: Logger,
  ) {
    this.ownerId = ownerId;
    this.#channel = channel;
    this.#events = events;
    this.#newId = newId;
    this.#log = log;
    channel.onMessage((message) => this.#receive(message));
    channel.onClose(() => this.#closed());
  }

  get open(): boolean {
    return this.#open;
  }

  /** Bytes sent and not yet taken by the runner. */
  get bufferedBytes(): number {
    return this.#channel.bufferedBytes;
  }

  send(message: ToRunner): void {
    if (this.#open) this.#channel.send(message);
  }

  deliver({ id, instruction }: Delivery): void {
    this.send({ type: 'deliver', deliveryId: id, instruction });
  }

  /** runner_offline when the link goes before the answer, timeout when none comes in 10 s. */
  ask<T extends RunnerQuestion['type']>(
    question: Extract<RunnerQuestion, { type: T }>,
  ): Promise<Result<RunnerAnswer<T>>> {
    return new Promise((resolve) => {
      if (!this.#open) return resolve(offline());
      const requestId = this.#newId();
      const settle = (result: Result<unknown>): void => {
        clearTimeout(timer);
        this.#answers.delete(requestId);
        if (!result.ok) return resolve(result);
        const parsed = runnerAnswerSchemas[question.type].safeParse(result.value);
        if (parsed.success) return resolve(ok(parsed.data as RunnerAnswer<T>));
        this.#log.warn({ question: question.type }, 'the runner gave an answer that does not fit');
        resolve(fail('internal', 'The machine gave an answer that does not fit.'));
      };
      const timer = setTimeout(() => settle(fail('timeout', 'The machine did not answer in time.')), answerTimeoutMs);
      this.#answers.set(requestId, settle);
      this.send({ type: 'ask', requestId, question });
    });
  }

  /** Resolves when the keystrokes have reached the terminal. */
  input(
    sessionId: string,
    input: { inputId: string; offset: number; data: Uint8Array },
  ): Promise<Result<{ offset: number }>> {
    return new Promise((resolve) => {
      if (!this.#open) return resolve(offline());
      const waiting = this.#inputs.get(input.inputId) ?? [];
      const timer = setTimeout(
        () =>
          this.#settleInputs(input.inputId, Infinity, fail('timeout', 'The terminal did not take the keys in time.')),
        answerTimeoutMs,
      );
      const settle = (result: Result<{ offset: number }>): void => {
        clearTimeout(timer);
        resolve(result);
      };
      waiting.push({ end: input.offset + input.data.byteLength, settle });
      this.#inputs.set(input.inputId, waiting);
      this.send({ type: 'input', sessionId, ...input });
    });
  }

  /** It is who it says it is: from now on it is heard. */
  welcome(): void {
    this.#welcomed = true;
    this.send({ type: 'welcome', protocolVersion, runnerId: this.id });
  }

  /** Says why, then closes. */
  refuse(error: ErrorBody): void {
    this.send({ type: 'refused', error });
    // In memory a message arrives in the next microtask, unless the channel is closed by then.
    queueMicrotask(() => this.close());
  }

  close(): void {
    this.#channel.close();
    this.#closed();
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const settle of [...this.#answers.values()]) settle(offline());
    for (const inputId of [...this.#inputs.keys()]) this.#settleInputs(inputId, Infinity, offline());
    this.#events.closed(this);
  }

  #receive(raw: ToServer): void {
    const parsed = toServerSchema.safeParse(raw);
    if (!parsed.success) {
      this.#log.warn(
        { runnerId: this.id, issues: parsed.error.issues.slice(0, 3) },
        'the runner sent what does not fit',
      );
      this.#misfits += 1;
      if (this.#misfits > misfitsAllowed) this.close();
      return;
    }
    const message = parsed.data;
    // What comes too early would come again: nothing is acknowledged before the welcome.
    if (message.type !== 'hello' && !this.#welcomed) return;
    switch (message.type) {
      case 'hello':
        return this.#hello(message);
      case 'report':
        return this.#events.report(this, message.report);
      case 'inventory':
        return this.#events.inventory(this, message.inventory);
      case 'done':
        return this.#events.done(this, message.deliveryId);
      case 'inputAccepted':
        return this.#settleInputs(message.inputId, message.offset, ok({ offset: message.offset }));
      case 'inputRefused':
        return this.#settleInputs(message.inputId, Infinity, { ok: false, error: message.error });
      case 'ttyOpened':
        return this.#events.ttyOpened(this, message.sessionId, message.first);
      case 'tty':
        return this.#events.tty(this, message.sessionId, message.offset, message.data);
      case 'preview':
        return this.#events.preview(this, message.sessionId, message.preview);
      case 'answer':
        return this.#answers.get(message.requestId)?.(message.result);
    }
  }

  #hello(message: Extract<ToServer, { type: 'hello' }>): void {
    if (message.protocolVersion !== protocolVersion) {
      this.#log.error({ theirs: message.protocolVersion, ours: protocolVersion }, 'a runner speaks another version');
      return this.refuse({
        kind: 'unsupported_version',
        message: `The server speaks version ${protocolVersion} of the protocol, this machine ${message.protocolVersion}.`,
      });
    }
    // One runner a link: a second hello could take over another's id behind the back of what was decided at the first.
    if (this.#greeted) return this.close();
    this.#greeted = true;
    this.id = message.runnerId;
    this.name = message.name;
    this.roots = message.roots;
    this.uploads = message.uploads ?? [];
    this.#events.hello(this, message.inventory);
  }

  #settleInputs(inputId: string, upTo: number, result: Result<{ offset: number }>): void {
    const waiting = this.#inputs.get(inputId) ?? [];
    const left = waiting.filter((one) => one.end > upTo);
    for (const one of waiting) if (one.end <= upTo) one.settle(result);
    if (left.length === 0) this.#inputs.delete(inputId);
    else this.#inputs.set(inputId, left);
  }
}

export function offline(): { ok: false; error: ErrorBody } {
  return fail('runner_offline', 'The machine of this session is offline; it is kept for it.');
}
