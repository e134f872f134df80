import { join } from 'node:path';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { type Result, ok } from '@holdfast/protocol/error.ts';
import type { Instruction, InventoryItem, RunnerQuestion, ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import type { KeptScreen } from '@holdfast/protocol/screen.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { type Channel, memoryChannelPair } from '@holdfast/link/channel.ts';
import { openSqliteStore } from '@holdfast/store/sqlite/open.ts';
import { pino } from 'pino';
import type { Login } from '../../src/application/application.ts';
import { type ApplicationOptions, HoldfastApplication } from '../../src/application/holdfast-application.ts';

export const login: Login = { userId: 'owner', name: 'Ada', via: 'cookie', device: 'laptop' };
export const stranger: Login = { userId: 'other', name: 'Eve', via: 'key', device: 'elsewhere' };

export async function openApplication(directory: string, more: Partial<ApplicationOptions> = {}) {
  const store = await openSqliteStore({ path: join(directory, 'holdfast.db') });
  if (!store.ok) throw new Error(store.error.message);
  let next = 0;
  const run = Math.random().toString(36).slice(2, 8);
  const application = new HoldfastApplication({
    store: store.value,
    newId: () => `i${run}${(next += 1)}`,
    time: () => new Date().toISOString(),
    now: () => performance.now(),
    log: pino({ level: 'silent' }),
    ...more,
  });
  return { application, store: store.value };
}

/** A runner that does nothing by itself: the test says what it reports. */
export class ScriptedRunner {
  readonly deliveries: { deliveryId: number; instruction: Instruction }[] = [];
  readonly stored: { source: string; position: number }[] = [];
  readonly abandoned: string[] = [];
  /** Sessions whose uploads were to go. */
  readonly dropped: string[] = [];
  readonly inputs: string[] = [];
  /** What it says to what it is asked beyond a workspace. Default: nothing in particular. */
  onAsk: (question: RunnerQuestion) => Result<object> | Promise<Result<object>> = () => ok({});
  readonly #channel: Channel<ToServer, ToRunner>;

  constructor(application: HoldfastApplication, inventory: InventoryItem[] = [], uploads: string[] = []) {
    const [ours, theirs] = memoryChannelPair<ToServer, ToRunner>();
    this.#channel = ours;
    application.connectRunner(theirs, null);
    ours.onMessage((message) => {
      if (message.type === 'deliver') this.deliveries.push(message);
      if (message.type === 'stored') this.stored.push(message);
      if (message.type === 'abandon') this.abandoned.push(message.sessionId);
      if (message.type === 'uploadsDrop') this.dropped.push(message.sessionId);
      if (message.type === 'input') {
        const { sessionId, inputId, offset, data } = message;
        this.inputs.push(inputId);
        ours.send({ type: 'inputAccepted', sessionId, inputId, offset: offset + data.byteLength });
      }
      if (message.type === 'ask') this.#answer(message.requestId, message.question);
    });
    ours.send({ type: 'hello', protocolVersion, runnerId: 'local', name: 'here', roots: ['/'], inventory, uploads });
  }

  #answer(requestId: string, question: RunnerQuestion): void {
    const said = question.type === 'workspace' ? ok({ path: question.path }) : this.onAsk(question);
    void Promise.resolve(said).then((result) => this.#channel.send({ type: 'answer', requestId, result }));
  }

  report(sessionId: string, source: string, position: number, facts: FactDraft[], screen?: KeptScreen): void {
    const more = screen === undefined ? {} : { screen };
    this.#channel.send({ type: 'report', report: { sessionId, source, position, facts, ...more } });
  }

  done(deliveryId: number): void {
    this.#channel.send({ type: 'done', deliveryId });
  }

  close(): void {
    this.#channel.close();
  }
}

export function must<T>(result: { ok: true; value: T } | { ok: false; error: { message: string } }): T {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

/** A clock that a test moves on, and what is to happen on it. */
export class ManualClock {
  #now = 0;
  #due: { at: number; call: () => void }[] = [];

  readonly now = (): number => this.#now;
  readonly time = (): string => new Date(Date.UTC(2026, 0, 1) + this.#now).toISOString();
  readonly later = (ms: number, call: () => void): (() => void) => {
    const appointment = { at: this.#now + ms, call };
    this.#due.push(appointment);
    return () => void (this.#due = this.#due.filter((other) => other !== appointment));
  };

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#due.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
    }
    this.#now = end;
  }
}
