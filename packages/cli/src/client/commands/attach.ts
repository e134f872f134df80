/** A session's terminal in the one in which this runs: its screen, its output, and every key typed here exactly once. */
import { setTimeout as delay } from 'node:timers/promises';
import { isQueryReply } from '@holdfast/core/stream/query-reply.ts';
import { endWords } from '@holdfast/core/words/state-words.ts';
import type { InputHandle, SessionSink } from '@holdfast/link/client-interface.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import { Failure } from '../../failure.ts';
import { type Driving, type DrivingEvent, drives, stepDriving } from '../attach-driving.ts';
import { keysBefore, reconnecting, repainted, restored, statusLine } from '../attach-screen.ts';
import type { CommandLine } from '../command-line.ts';
import { findSession } from '../find-session.ts';
import type { LocalTerminal } from '../local-terminal.ts';
import { type Outcome, errorWords } from '../outcome.ts';
import { plainLine } from '../output.ts';
import { type Stay, stay } from '../stay.ts';

export interface Attach {
  readonly session: string;
  /** Take the terminal from whoever drives it. */
  readonly take: boolean;
}

/** Keys on their way when one detaches are waited for so long, ms. */
const lastKeysMs = 2_000;

export async function attach(
  line: CommandLine,
  { session: text, take }: Attach,
  local: LocalTerminal | null,
): Promise<Outcome> {
  const session = await findSession(line, text);
  if (session.kind !== 'terminal') {
    throw new Failure('usage', `That is an agent. Follow it with: holdfast logs ${session.id.slice(0, 8)} --follow`);
  }
  if (local === null) throw new Failure('usage', 'attach needs a terminal to run in. holdfast logs prints the screen.');
  if (session.status === 'ended' || session.status === 'failed')
    throw new Failure('conflict', `${endWords(session)}. holdfast logs prints the last screen.`);
  const { id } = line.need(await line.rest.me());
  const driver = session.terminal?.driver ?? null;
  line.out.tell(`Attached to ${plainLine(session.title)}. Ctrl-] detaches.`);
  if (driver !== null && !take) {
    line.out.tell(
      `${plainLine(driver.device ?? driver.name ?? 'Another device')} drives it and decides its size. Take it over with --take.`,
    );
  }
  return new Attached(line, session, take, local, {
    me: { clientId: line.client.clientId, id },
    driver,
    size: local.size(),
    taking: false,
  }).run();
}

class Attached {
  readonly #line: CommandLine;
  readonly #session: SessionDescriptor;
  readonly #local: LocalTerminal;
  readonly #input: InputHandle;
  #take: boolean;
  #driving: Driving;
  #stay: Stay | null = null;
  /** The link is up, and the session up to date on it: what is printed now is new. */
  #lost = false;
  #dropped: string | null = null;
  #end: SessionDescriptor['terminal'] | null = null;

  constructor(line: CommandLine, session: SessionDescriptor, take: boolean, local: LocalTerminal, driving: Driving) {
    this.#line = line;
    this.#session = session;
    this.#take = take;
    this.#local = local;
    this.#driving = driving;
    this.#input = line.client.input(session.id);
  }

  async run(): Promise<Outcome> {
    const giveBack = this.#local.raw({
      keys: (chunk) => this.#typed(chunk),
      resized: (size) => this.#drive({ type: 'size', size }),
      closed: () => this.#stay?.leave({ exit: 'done', words: '' }),
      restore: () => restored(this.#local.size()),
    });
    const stopInput = this.#input.status.subscribe(({ pendingBytes, error }) => {
      if (error !== null) {
        this.#dropped = errorWords(error);
        this.#local.write('\u0007');
      }
      if (this.#lost) this.#show(reconnecting(pendingBytes));
    });
    try {
      this.#stay = stay(this.#line, this.#session.id, this.#sink(), {
        after: null,
        tty: true,
        lost: () => this.#disconnected(),
        back: () => this.#reconnected(),
      });
      const outcome = await this.#stay.done;
      await this.#lastKeys();
      return this.#told(outcome);
    } finally {
      stopInput();
      giveBack();
    }
  }

  #sink(): SessionSink {
    return {
      reset: ({ base }) => this.#drive({ type: 'driver', driver: base.driver }),
      facts: (facts) => this.#read(facts),
      synced: () => {
        this.#drive({ type: 'attached', take: this.#take });
        this.#take = false;
      },
      screen: ({ ansi }) => this.#local.write(repainted(ansi)),
      tty: (_offset, data) => this.#local.write(data),
    };
  }

  #read(facts: readonly Fact[]): void {
    for (const fact of facts) {
      if (fact.type === 'driver.changed') this.#drive({ type: 'driver', driver: fact.data.driver });
      if (fact.type === 'terminal.exited') this.#end = { ...this.#driving.size, driver: null, exit: fact.data };
    }
  }

  #typed(chunk: Uint8Array): void {
    const { keys, detach } = keysBefore(chunk);
    // What this terminal answers by itself: the driver's is the answer, and only to what is asked now.
    const reply = isQueryReply(Buffer.from(keys).toString('latin1'));
    if (keys.byteLength > 0 && !(reply && (this.#lost || !drives(this.#driving)))) {
      this.#drive({ type: 'key' });
      const written = this.#input.write(Uint8Array.from(keys));
      if (!written.ok) this.#show(written.error.message);
    }
    if (detach) this.#stay?.leave({ exit: 'done', words: 'Detached. It goes on.' });
  }

  #drive(event: DrivingEvent): void {
    const { state, effects } = stepDriving(this.#driving, event);
    this.#driving = state;
    const { clientId } = state.me;
    for (const effect of effects) {
      if (effect.type === 'resize') {
        this.#line.client.send(this.#session.id, { type: 'terminal.resize', ...effect.size, clientId });
        continue;
      }
      const sent = this.#line.client.send(this.#session.id, { type: 'driver.take', clientId, from: effect.from });
      if (!sent.ok) return this.#drive({ type: 'settled' });
      // Refused, another was first: the log says so.
      sent.value.state.subscribe(({ status }) => {
        if (status === 'stored' || status === 'failed' || status === 'discarded') this.#drive({ type: 'settled' });
      });
    }
  }

  #disconnected(): void {
    this.#lost = true;
    this.#show(reconnecting(this.#input.status.get().pendingBytes));
  }

  #reconnected(): void {
    this.#lost = false;
    // Over the line that said so.
    this.#stay?.handle.redraw();
  }

  #show(words: string): void {
    this.#local.write(statusLine(words, this.#local.size()));
  }

  /** What was typed before the key that detaches is typed. */
  async #lastKeys(): Promise<void> {
    if (this.#lost || this.#end !== null) return;
    const stop = new AbortController();
    const none = new Promise<void>((resolve) => {
      const unsubscribe = this.#input.status.subscribe(({ pendingBytes }) => {
        if (pendingBytes === 0) resolve();
      });
      stop.signal.addEventListener('abort', unsubscribe, { once: true });
    });
    await Promise.race([none, delay(lastKeysMs, undefined, { signal: stop.signal }).catch(() => undefined)]);
    stop.abort();
  }

  #told(outcome: Outcome): Outcome {
    const { pendingBytes } = this.#input.status.get();
    const lost = pendingBytes > 0 && this.#end === null ? ` ${pendingBytes} typed bytes were not confirmed.` : '';
    const dropped = this.#dropped === null ? '' : ` Some keys were not typed: ${this.#dropped}.`;
    const ended = this.#end === null ? outcome.words : `${endWords({ ...this.#session, terminal: this.#end })}.`;
    return { ...outcome, words: `${ended}${lost}${dropped}`.trim() };
  }
}
