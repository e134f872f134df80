/**
 * Everyday work of one person, going on while a test breaks things: a terminal that prints, a Claude session and two
 * demo sessions that are sent messages from two devices, and approvals answered from both at once. Seeded: the same seed
 * makes the same wishes, though not at the same moments.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import type { Random } from '@holdfast/testkit/random.ts';
import type { Api } from '../../support/api.ts';
import type { Installation } from '../../support/program.ts';
import { expectSoundLog } from '../../support/sound-log.ts';
import { Device } from './device.ts';
import { NumberedLines, printNumberedLines } from './numbered-lines.ts';
import { Tally } from './tally.ts';

/** Messages a device lets wait in one session before it sends no more there. */
const mostOpen = 3;
/** Between two messages of a device, ms. */
const pace = { least: 150, spread: 350 };
const effectsFile = 'effects.log';
const endLimitMs = 60_000;

interface Terminal {
  readonly id: string;
  readonly lines: NumberedLines;
}

export class Load {
  readonly devices: readonly [Device, Device];
  readonly claudeId: string;
  readonly #demoIds: readonly string[];
  /** Only asked whether everything works again. */
  readonly #probeId: string;
  readonly #holdfast: Installation;
  readonly #api: Api;
  readonly #random: Random;
  readonly #workspaceId: string;
  readonly #terminals: Terminal[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #made = 0;
  #running = true;

  private constructor(
    holdfast: Installation,
    api: Api,
    random: Random,
    ids: { workspaceId: string; claudeId: string; demoIds: readonly string[]; probeId: string },
  ) {
    this.#holdfast = holdfast;
    this.#api = api;
    this.#random = random;
    this.#workspaceId = ids.workspaceId;
    this.claudeId = ids.claudeId;
    this.#demoIds = ids.demoIds;
    this.#probeId = ids.probeId;
    const device = (): Device => new Device({ url: holdfast.origin, key: api.key });
    this.devices = [device(), device()];
  }

  static async start(holdfast: Installation, api: Api, random: Random): Promise<Load> {
    const workspaceId = await api.workspace('w');
    const agent = (provider: string): Promise<string> =>
      api.create({ kind: 'agent', workspaceId, agent: { provider, mode: 'agent' } });
    const claudeId = await agent('claude');
    const demoIds = [await agent('demo'), await agent('demo')];
    const probeId = await agent('demo');
    const load = new Load(holdfast, api, random, { workspaceId, claudeId, demoIds, probeId });
    await load.openTerminal();
    for (const id of load.agentIds) {
      load.devices.forEach((device, index) => device.follow(id, (fact) => load.#react(id, index, fact)));
    }
    load.devices.forEach((_, index) => load.#sendLater(index));
    return load;
  }

  get agentIds(): readonly string[] {
    return [this.claudeId, ...this.#demoIds, this.#probeId];
  }

  /** How often a message of exactly this text is in the Claude session's log. */
  async timesInLog(text: string): Promise<number> {
    const log = await this.#api.log(this.claudeId);
    return log.filter((fact) => fact.type === 'message.user' && fact.data.text === text).length;
  }

  get terminal(): Terminal {
    const terminal = this.#terminals.at(-1);
    if (terminal === undefined) throw new Error('no terminal yet');
    return terminal;
  }

  /** A new shell that prints numbered lines; the first device reads it. */
  async openTerminal(): Promise<void> {
    const id = await this.#api.create({ kind: 'terminal', workspaceId: this.#workspaceId });
    const terminal = { id, lines: new NumberedLines() };
    this.#terminals.push(terminal);
    this.devices[0].follow(id, undefined, terminal.lines);
    this.devices[1].follow(id);
    this.devices[0].command(id, { type: 'terminal.write', data: `${printNumberedLines}\r` });
    await eventually('the first lines', () => terminal.lines.last > 5, 30_000);
  }

  /** Both devices are up to date, the terminal prints, and a message sent now is answered. */
  async recovered(): Promise<void> {
    const { lines } = this.terminal;
    const before = lines.last;
    await eventually('both devices live', () => this.devices.every((device) => device.live), endLimitMs);
    await eventually('the terminal prints', () => lines.last > before, endLimitMs);
    const [first, second] = this.devices;
    const probed = this.#probeId;
    // A message that was under way when the agent died is interrupted with it, which the person is told.
    for (let outcome: string | null = null; outcome !== 'completed';) {
      const { id } = first.send(probed, 'ls');
      outcome = await eventually(
        'an answer on the other device',
        () => outcomeOf(second.sessions.get(probed)?.facts ?? [], id),
        endLimitMs,
      );
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
    for (const id of this.agentIds) {
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
  }

  /** Of all that was acknowledged and shown since the start. finished: every log is also sound as a whole, or it throws. */
  async tally(finished: boolean): Promise<Tally> {
    const tally = new Tally();
    for (const id of [...this.agentIds, ...this.#terminals.map((terminal) => terminal.id)]) {
      const acknowledged = this.devices.map((device) =>
        device.sent(id).filter((message) => message.state.get().status === 'stored'),
      );
      const log = await this.#api.log(id);
      if (finished) expectSoundLog(log);
      tally.approvals(id, log);
      this.devices.forEach((device, index) => {
        const who = `device ${index} in ${id}`;
        tally.messages(who, acknowledged[index] ?? [], log);
        const followed = device.sessions.get(id);
        if (followed !== undefined) tally.reading(who, followed, log);
      });
    }
    for (const { lines } of this.#terminals) tally.misordered.push(...lines.problems);
    tally.effects(this.#effects());
    return tally;
  }

  /** What there was to go wrong. */
  summary(): string {
    const messages = this.devices.flatMap((device) => this.agentIds.flatMap((id) => device.sent(id))).length;
    const facts = this.devices.flatMap((device) => [...device.sessions.values()].map(({ facts }) => facts.length));
    const lines = this.#terminals.reduce((sum, terminal) => sum + terminal.lines.last, 0);
    const screens = this.#terminals.reduce((sum, terminal) => sum + terminal.lines.screens, 0);
    return (
      `${messages} messages, ${facts.reduce((sum, count) => sum + count, 0)} facts read, ` +
      `${lines} numbered lines (${screens} screens between), ${this.#effects().length} allowed commands`
    );
  }

  async dispose(): Promise<void> {
    this.#running = false;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.devices.map((device) => device.client.close()));
  }

  #effects(): readonly string[] {
    try {
      return readFileSync(join(this.#holdfast.workspaces, 'w', effectsFile), 'utf8')
        .split('\n')
        .filter(Boolean);
    } catch {
      return [];
    }
  }

  /** What a person does who sees this: answers what is asked, on both devices at once, and goes on after an interruption. */
  #react(sessionId: string, index: number, fact: Fact): void {
    const device = this.devices[index];
    if (device === undefined) return;
    if (fact.type === 'approval.requested') {
      const { approvalId } = fact.data;
      if (index === 0 || this.#random.next() < 0.5) {
        this.#later(this.#random.integer(400), () => {
          device.command(sessionId, { type: 'approval.answer', approvalId, answer: { decision: 'allow' } });
        });
      }
    }
    const stuck =
      (fact.type === 'turn.interrupted' && fact.data.reason !== 'discarded') ||
      (fact.type === 'turn.ended' && fact.data.outcome === 'failed');
    if (stuck && index === 0) {
      this.#made += 1;
      device.send(sessionId, sessionId === this.claudeId ? `say onward-${this.#made}` : 'ls');
    }
  }

  #sendLater(index: number): void {
    this.#later(pace.least + this.#random.integer(pace.spread), () => {
      if (!this.#running) return;
      const device = this.devices[index];
      const sessionId = this.#random.pick([this.claudeId, ...this.#demoIds]);
      const facts = device?.sessions.get(sessionId)?.facts ?? [];
      if (device !== undefined && open(device.sent(sessionId).length, facts, device) < mostOpen) {
        device.send(sessionId, this.#wish(sessionId === this.claudeId));
      }
      this.#sendLater(index);
    });
  }

  #wish(claude: boolean): string {
    this.#made += 1;
    const token = `token-${this.#made}`;
    const kind = this.#random.integer(4);
    if (kind === 0) return `run echo ${token} >> ${effectsFile}`;
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

const isSettled = ({ command, state }: { command: { type: string }; state: { status: string } }): boolean =>
  // An answer that came second, or to what is gone, is refused for good.
  state.status === 'stored' || (state.status === 'failed' && command.type === 'approval.answer');
