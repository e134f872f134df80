/** One run of the command line against a server: its requests, and a client with the outbox of this machine. */
import { randomUUID } from 'node:crypto';
import type { CommandBody, OutboxEntry } from '@holdfast/core/client/outbox.ts';
import { createClient } from '@holdfast/link/client.ts';
import type { HoldfastClient } from '@holdfast/link/client-interface.ts';
import { type RestClient, createRestClient } from '@holdfast/link/rest.ts';
import { systemClock } from '@holdfast/link/system-clock.ts';
import type { ErrorBody, Result } from '@holdfast/protocol/error.ts';
import { commandWords } from '@holdfast/core/words/command-words.ts';
import { Failure } from '../failure.ts';
import { fileOutbox } from './file-outbox.ts';
import { type Outcome, type Progress, errorWords, exitOf, progressOf } from './outcome.ts';
import { type Output, plainLine } from './output.ts';
import type { ServerAccess } from './server-access.ts';

/** A command's outcome is waited for so long, ms; that of what an earlier run left, less. */
const patienceMs = 30_000;
const patienceForEarlierMs = 10_000;

export class CommandLine {
  readonly access: ServerAccess;
  readonly out: Output;
  readonly rest: RestClient;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly #dataDirectory: string;
  #client: HoldfastClient | null = null;
  #kept = true;

  constructor(access: ServerAccess, dataDirectory: string, out: Output, interrupted: AbortSignal) {
    this.access = access;
    this.out = out;
    this.interrupted = interrupted;
    this.#dataDirectory = dataDirectory;
    this.rest = createRestClient({ url: access.url, key: access.key });
  }

  /** With what earlier runs left in its outbox. It connects when it is told to. */
  get client(): HoldfastClient {
    this.#client ??= this.#open();
    return this.#client;
  }

  /** The value, or a Failure that says what to do. */
  need<T>(result: Result<T>): T {
    if (result.ok) return result.value;
    throw this.failure(result.error);
  }

  failure(error: ErrorBody): Failure {
    const words = errorWords(error);
    if (error.kind === 'unauthenticated') {
      return new Failure('login', `The key is not valid at ${this.access.url}. ${this.access.remedy}`);
    }
    const where = exitOf(error.kind) === 'unavailable' ? `${this.access.url}: ` : '';
    return new Failure(exitOf(error.kind), `${where}${words}${/[.!?\n]$/.test(words) ? '' : '.'}`);
  }

  /** Sends what earlier runs left, and tells what became of it. */
  async sendEarlier(): Promise<void> {
    const waiting = this.client.outbox.get().filter(({ state }) => state.status === 'saved');
    if (waiting.length === 0) return;
    this.client.connect();
    const settled = waiting.map(async (entry) => {
      const { exit, words } = await this.#settled(entry.id, patienceForEarlierMs, () => undefined);
      if (exit === 'done') this.out.tell(`Sent what was kept: ${entryWords(entry)}.`);
      else this.out.tell(`Kept from an earlier run, ${entryWords(entry)}: ${words}`);
    });
    await Promise.all(settled);
  }

  /** Through the outbox: kept, sent once, and waited for. */
  async deliver(sessionId: string, command: CommandBody): Promise<Outcome> {
    const sent = this.client.send(sessionId, command);
    if (!sent.ok) throw this.failure(sent.error);
    return this.settle(sent.value.id);
  }

  /** Of a command in the outbox. */
  async settle(id: string): Promise<Outcome> {
    if (this.client.connection.get().status === 'idle') this.client.connect();
    let told: string | null = null;
    return this.#settled(id, patienceMs, (words) => {
      if (words !== null && words !== told) this.out.tell(words);
      told = words;
    });
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  #open(): HoldfastClient {
    const client = createClient({
      url: this.access.url,
      key: this.access.key,
      storage: fileOutbox({
        dataDirectory: this.#dataDirectory,
        server: this.access.name,
        process: randomUUID(),
        now: () => Date.now(),
        onDamaged: (path) =>
          this.out.tell(`The outbox was damaged. It was set aside as ${path}; what was kept in it is not sent.`),
      }),
      firstFailure: 'fail',
      clock: systemClock,
      random: Math.random,
      makeId: randomUUID,
    });
    client.notices.subscribe((notices) => {
      const notice = notices.at(-1);
      if (notice?.kind !== 'storage_failed') return;
      this.#kept = false;
      this.out.tell(`Nothing can be kept on this machine: ${plainLine(notice.message)}`);
    });
    return client;
  }

  /** Ends with what is true of the command at the latest when the patience is over. */
  #settled(id: string, patience: number, meanwhile: (words: string | null) => void): Promise<Outcome> {
    const { client, interrupted } = this;
    const until = systemClock.now() + patience;
    return new Promise((resolve) => {
      const stops: (() => void)[] = [];
      let over = false;
      const look = (): void => {
        if (over) return;
        const progress = this.#progress(
          client.outbox.get().find((entry) => entry.id === id),
          until,
        );
        if (!progress.ended) return meanwhile(progress.words);
        over = true;
        for (const stop of stops) stop();
        const { exit, words } = progress.outcome;
        resolve({ exit: interrupted.aborted && exit === 'kept' ? 'interrupted' : exit, words });
      };
      const timer = setTimeout(look, patience + 1);
      stops.push(() => clearTimeout(timer));
      interrupted.addEventListener('abort', look, { once: true });
      stops.push(() => interrupted.removeEventListener('abort', look));
      stops.push(client.outbox.subscribe(look), client.connection.subscribe(look));
      // What ended it at once was told before there was anything to stop.
      if (over) for (const stop of stops) stop();
    });
  }

  /** An entry that is gone from the outbox has been seen in the log. */
  #progress(entry: OutboxEntry | undefined, until: number): Progress {
    const now = systemClock.now();
    return progressOf(
      {
        state: entry?.state ?? { status: 'stored', seq: 0 },
        delay: entry?.delayedBy == null ? null : { error: entry.delayedBy, ms: Math.max(0, entry.due - now) },
        uncertain: entry?.uncertain ?? false,
        connection: this.client.connection.get(),
        kept: this.#kept,
        patienceMs: this.interrupted.aborted ? 0 : Math.max(0, until - now),
      },
      this.access.remedy,
    );
  }
}

/** "a message: make the test pass" */
export function entryWords({ command }: Pick<OutboxEntry, 'command'>): string {
  return command.type === 'message.send' ? `a message "${plainLine(command.text, 60)}"` : commandWords(command.type);
}
