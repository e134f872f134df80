/**
 * Everyday work of one person on every machine there is, going on while a test breaks things: a terminal that prints,
 * one that is typed into, a Claude session and a demo session that are sent messages from two devices, and approvals
 * answered from both at once. Seeded: the same seed makes the same wishes, though not at the same moments.
 */
import type { Fact } from '@holdfast/protocol/fact.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import type { Random } from '@holdfast/testkit/random.ts';
import type { Api } from '../../support/api.ts';
import { expectSoundLog } from '../../support/sound-log.ts';
import { Device } from './device.ts';
import { moment } from './seed.ts';
import { type Place, effectOf } from './place.ts';
import { Tally } from './tally.ts';

/** Messages a device lets wait in one session before it sends no more there. */
const mostOpen = 3;
/** Between two messages of a device, ms. */
const pace = { least: 150, spread: 350 };
/** Before a message that failed is followed by another, ms: an agent that cannot start is not asked all the time. */
const againMs = 500;
/** Between two lines typed into a shell, ms. */
const typingMs = 70;
const endLimitMs = 60_000;

export class Load {
  readonly devices: readonly [Device, Device];
  readonly #places: readonly Place[];
  readonly #api: Api;
  readonly #random: Random;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Why turns failed: said at the end, for a person to look at. */
  readonly #failures = new Set<string>();
  #made = 0;
  #running = true;

  private constructor(url: string, api: Api, random: Random, places: readonly Place[]) {
    this.#api = api;
    this.#random = random;
    this.#places = places;
    const device = (): Device => new Device({ url, key: api.key });
    this.devices = [device(), device()];
  }

  static async start(url: string, api: Api, random: Random, places: readonly Place[]): Promise<Load> {
    const load = new Load(url, api, random, places);
    for (const place of places) await place.openShells(load.devices);
    for (const id of load.#agentIds) {
      load.devices.forEach((device, index) => device.follow(id, (fact) => load.#react(id, index, fact)));
    }
    load.devices.forEach((_, index) => load.#sendLater(index));
    load.#typeLater();
    return load;
  }

  get #agentIds(): readonly string[] {
    return this.#places.flatMap((place) => place.agentIds);
  }

  /** Both devices are up to date; on every machine the terminal prints, and a message sent now is answered. */
  async recovered(): Promise<void> {
    const before = this.#places.map(({ shells }) => ({ shells, last: shells.lines.last }));
    await eventually('both devices live', () => this.devices.every((device) => device.live), endLimitMs);
    await Promise.all([
      ...before.map(({ shells, last }) =>
        eventually('the terminal prints', () => shells.lines.last > last, endLimitMs),
      ),
      ...this.#places.map((place) => this.#answered(place.probeId)),
    ]);
  }

  /** A message that was under way when the agent died is interrupted with it, which the person is told. */
  async #answered(sessionId: string): Promise<void> {
    const [first, second] = this.devices;
    for (let outcome: string | null = null; outcome !== 'completed';) {
      const { id } = first.send(sessionId, 'ls');
      outcome = await eventually(
        `an answer in ${sessionId} on the other device`,
        () => outcomeOf(second.sessions.get(sessionId)?.facts ?? [], id),
        endLimitMs,
      );
      if (outcome !== 'completed') await moment(againMs);
    }
  }

  /** No more messages are made; everything under way comes to its end. */
  async finish(): Promise<void> {
    this.#running = false;
    await eventually(
      'every message is receipted',
      () => {
        for (const device of this.devices) device.retryUnsure();
        return this.devices.every((device) => device.client.outbox.get().every(isSettled));
      },
      endLimitMs,
    );
    for (const id of this.#agentIds) {
      await eventually(
        `the end of all turns of ${id}`,
        async () => {
          const { agent, status } = await this.#api.session(id);
          return agent?.turn === null && agent.queueLength === 0 && status !== 'interrupted';
        },
        endLimitMs,
      );
    }
    for (const device of this.devices) await eventually('up to date', () => device.live, endLimitMs);
    for (const { shells } of this.#places) await eventually('all keys', () => shells.typist.arrived, endLimitMs);
  }

  /** Of all that was acknowledged and shown since the start. finished: every log is also sound as a whole, or it throws. */
  async tally(finished: boolean): Promise<Tally> {
    const tally = new Tally();
    const commands: string[] = [];
    for (const id of this.#places.flatMap(({ agentIds, terminalIds }) => [...agentIds, ...terminalIds])) {
      const acknowledged = this.devices.map((device) =>
        device.sent(id).filter((message) => message.state.get().status === 'stored'),
      );
      const log = await this.#api.log(id);
      if (finished) expectSoundLog(log);
      commands.push(...succeeded(log));
      tally.approvals(id, log);
      this.devices.forEach((device, index) => {
        const who = `device ${index} in ${id}`;
        tally.messages(who, acknowledged[index] ?? [], log);
        const followed = device.sessions.get(id);
        if (followed !== undefined) tally.reading(who, followed, log);
      });
    }
    for (const { lines, typists } of this.#places) {
      tally.misordered.push(
        ...lines.flatMap(({ problems }) => problems),
        ...typists.flatMap(({ problems }) => problems),
      );
    }
    tally.effects(commands, this.#effects());
    return tally;
  }

  /** What there was to go wrong. */
  summary(): string {
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
    const lines = this.#places.flatMap((place) => place.lines);
    const messages = this.devices.flatMap((device) => this.#agentIds.flatMap((id) => device.sent(id))).length;
    const facts = this.devices.flatMap((device) => [...device.sessions.values()].map(({ facts }) => facts.length));
    const typed = this.#places.flatMap(({ typists }) => typists.map((typist) => typist.typed));
    return (
      `${messages} messages, ${sum(facts)} facts read, ${sum(lines.map(({ last }) => last))} numbered lines ` +
      `(${sum(lines.map(({ screens }) => screens))} screens between), ${sum(typed)} lines typed, ` +
      `${this.#effects().length} allowed commands` +
      [...this.#failures].map((why) => `\na turn failed: ${why}`).join('')
    );
  }

  async dispose(): Promise<void> {
    this.#running = false;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.devices.map((device) => device.client.close()));
  }

  #effects(): readonly string[] {
    return this.#places.flatMap((place) => place.effects());
  }

  /** What a person does who sees this: answers what is asked, on both devices at once, and goes on after an interruption. */
  #react(sessionId: string, index: number, fact: Fact): void {
    const device = this.devices[index];
    if (device === undefined) return;
    if (fact.type === 'approval.requested') {
      const { approvalId } = fact.data;
      if (index === 0 || this.#random.next() < 0.5) {
        this.#later(this.#random.integer(400), () => {
          device.discardLateAnswers();
          device.command(sessionId, { type: 'approval.answer', approvalId, answer: { decision: 'allow' } });
        });
      }
    }
    const stuck =
      (fact.type === 'turn.interrupted' && fact.data.reason !== 'discarded') ||
      (fact.type === 'turn.ended' && fact.data.outcome === 'failed');
    if (fact.type === 'turn.ended' && fact.data.outcome === 'failed' && index === 0) {
      this.#failures.add(fact.data.error?.message ?? 'without a word');
    }
    if (stuck && index === 0) {
      this.#made += 1;
      const text = this.#isClaude(sessionId) ? `say onward-${this.#made}` : 'ls';
      this.#later(againMs, () => device.send(sessionId, text));
    }
  }

  #sendLater(index: number): void {
    this.#later(pace.least + this.#random.integer(pace.spread), () => {
      if (!this.#running) return;
      const device = this.devices[index];
      const sessionId = this.#random.pick(this.#places.flatMap(({ claudeId, demoId }) => [claudeId, demoId]));
      const facts = device?.sessions.get(sessionId)?.facts ?? [];
      if (device !== undefined && open(device.sent(sessionId).length, facts, device) < mostOpen) {
        device.send(sessionId, this.#wish(this.#isClaude(sessionId)));
      }
      this.#sendLater(index);
    });
  }

  #typeLater(): void {
    this.#later(typingMs, () => {
      if (!this.#running) return;
      for (const { shells } of this.#places) shells.typist.type();
      this.#typeLater();
    });
  }

  #isClaude(sessionId: string): boolean {
    return this.#places.some(({ claudeId }) => claudeId === sessionId);
  }

  #wish(claude: boolean): string {
    this.#made += 1;
    const token = `token-${this.#made}`;
    const kind = this.#random.integer(4);
    if (kind === 0) return `run ${effectOf(token)}`;
    if (claude) return kind === 1 ? `slow ${10 + this.#random.integer(20)} ${token}` : `say ${token}`;
    return kind === 1 ? `stream ${20 + this.#random.integer(40)}` : kind === 2 ? 'ls' : `read ${token}`;
  }

  /** The answer to an approval may come after the last message: only messages stop with #running. */
  #later(ms: number, call: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      call();
    }, ms);
    this.#timers.add(timer);
  }
}

/** Messages of this device that are not known to be done. */
function open(sent: number, facts: readonly Fact[], device: Device): number {
  const own = new Set([...device.sessions.keys()].flatMap((id) => device.sent(id).map((message) => message.id)));
  const done = facts.filter((fact) => fact.type === 'turn.started' && own.has(fact.data.messageId)).length;
  return sent - done;
}

/** How the turn of a message came out; null: not yet. */
function outcomeOf(facts: readonly Fact[], messageId: string): string | null {
  let turnId: string | null = null;
  for (const fact of facts) {
    if (fact.type === 'message.user' && fact.data.messageId === messageId) turnId ??= fact.data.turnId;
    if (fact.type === 'queue.changed' && fact.data.taken?.messageId === messageId) turnId = fact.data.taken.turnId;
    if (turnId === null) continue;
    if (fact.type === 'turn.ended' && fact.data.turnId === turnId) return fact.data.outcome;
    if (fact.type === 'turn.interrupted' && fact.data.turnId === turnId) return 'interrupted';
  }
  return null;
}

/** Commands that ran, as the log has it. */
function succeeded(log: readonly Fact[]): string[] {
  const done = new Set(
    log.flatMap((fact) =>
      fact.type === 'tool.finished' && fact.data.outcome === 'succeeded' ? [fact.data.toolCallId] : [],
    ),
  );
  return log.flatMap((fact) => {
    if (fact.type !== 'tool.started' || !done.has(fact.data.toolCallId)) return [];
    const { command } = fact.data.input as { command?: unknown };
    return typeof command === 'string' ? [command] : [];
  });
}

const isSettled = ({ command, state }: { command: { type: string }; state: { status: string } }): boolean =>
  // An answer that came second, or to what is gone, is refused for good.
  state.status === 'stored' || (state.status === 'failed' && command.type === 'approval.answer');
