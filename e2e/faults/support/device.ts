/** One of a person's devices: the real client with an outbox in memory, and a record of all it sent and was handed. */
import { randomUUID } from 'node:crypto';
import type { CommandBody } from '@holdfast/core/client/outbox.ts';
import type {
  ClientOptions,
  Clock,
  HoldfastClient,
  SentCommand,
  SessionHandle,
} from '@holdfast/link/client-interface.ts';
import { createClient } from '@holdfast/link/client.ts';
import { memoryOutbox } from '@holdfast/link/memory-outbox.ts';
import { systemClock } from '@holdfast/link/system-clock.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { NumberedLines } from './numbered-lines.ts';

export interface SentMessage extends SentCommand {
  readonly text: string;
}

export interface Followed {
  readonly handle: SessionHandle;
  /** As they were handed out. */
  readonly facts: Fact[];
  /** Resets and refusals, which no fault may cause. */
  readonly complaints: string[];
}

export class Device {
  readonly client: HoldfastClient;
  readonly #sent = new Map<string, SentMessage[]>();
  readonly #followed = new Map<string, Followed>();

  constructor(options: {
    readonly url: string;
    readonly key: string;
    readonly clock?: Clock;
    readonly transports?: ClientOptions['transports'];
  }) {
    this.client = createClient({
      url: options.url,
      key: options.key,
      storage: memoryOutbox(),
      firstFailure: 'retry',
      clock: options.clock ?? systemClock,
      random: Math.random,
      makeId: randomUUID,
      ...(options.transports === undefined ? {} : { transports: options.transports }),
    });
    this.client.connect();
  }

  get live(): boolean {
    return (
      this.client.connection.get().status === 'live' &&
      [...this.#followed.values()].every(({ handle }) => ['live', 'closed'].includes(handle.state.get()))
    );
  }

  /** In the order in which they were made. */
  sent(sessionId: string): readonly SentMessage[] {
    return this.#sent.get(sessionId) ?? [];
  }

  get sessions(): ReadonlyMap<string, Followed> {
    return this.#followed;
  }

  /** saw: each fact as it comes. lines: reads the terminal's output too. */
  follow(sessionId: string, saw: (fact: Fact) => void = () => undefined, lines?: NumberedLines): Followed {
    const facts: Fact[] = [];
    const complaints: string[] = [];
    const tty = lines === undefined ? {} : { tty: { from: 0 } };
    const handle = this.client.openSession(sessionId, tty, {
      facts: (fresh) => {
        facts.push(...fresh);
        for (const fact of fresh) saw(fact);
      },
      reset: ({ from }) => complaints.push(`reset to ${from}`),
      refused: (error) => complaints.push(`refused: ${error.message}`),
      tty: (offset, data) => {
        lines?.output(offset, data);
        handle.parsed(offset + data.byteLength);
      },
      screen: (screen) => {
        lines?.screen(screen.offset);
        handle.parsed(screen.offset);
      },
    });
    const followed = { handle, facts, complaints };
    this.#followed.set(sessionId, followed);
    return followed;
  }

  /** Throws when it is refused here: the outbox is full or the text does not fit. */
  send(sessionId: string, text: string): SentMessage {
    const message = { ...this.command(sessionId, { type: 'message.send', text }), text };
    this.#sent.set(sessionId, [...this.sent(sessionId), message]);
    return message;
  }

  command(sessionId: string, command: CommandBody): SentCommand {
    const sent = this.client.send(sessionId, command);
    if (!sent.ok) throw new Error(sent.error.message);
    return sent.value;
  }

  /** Answers that came too late are given back; a person who has read by whom it was answered has no more use for them. */
  discardLateAnswers(): void {
    for (const { id, command, state } of this.client.outbox.get()) {
      if (command.type === 'approval.answer' && state.status === 'failed') this.client.discard(id);
    }
  }

  /** Unsure is what a person is asked about; this one always says: again, under the same id. */
  retryUnsure(): void {
    for (const entry of this.client.outbox.get()) if (entry.state.status === 'unsure') this.client.retry(entry.id);
  }
}
