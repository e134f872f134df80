/**
 * One process of an agent with its driver: keeps the holder's notes on it, and turns what the driver tells into
 * reports, in order. Facts told before the turn they belong to is reported wait for that report.
 */
import type { Logger } from 'pino';
import type { HeldProcess, Holder } from '@holdfast/holder/process.ts';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import { outputSource, startsSource } from '../reports.ts';
import type { Reports } from '../reports.ts';
import type { Uploads } from '../uploads/uploads.ts';
import type { AgentProcessMeta } from './agent-meta.ts';
import type { CallClock } from './call-clock.ts';
import type { AgentDriver, AgentExit, AttachedAgent, DriverContext, DriverEvents } from './driver.ts';
import { leftoverNotice } from './leftover-notice.ts';

export interface AgentProcessServices {
  readonly holder: Holder;
  readonly reports: Reports;
  /** Lost when there is no link. */
  readonly preview: (sessionId: string, preview: Preview) => void;
  readonly uploads: Pick<Uploads, 'directoryOf' | 'files'>;
  readonly clock: CallClock;
  readonly log: Logger;
}

/** Bytes of unstored reports beyond which a driver is let go; it begins again from the holder when they are stored. */
const waitingLimit = 8 * 1024 * 1024;

export class AgentProcess {
  readonly processId: string;
  readonly #services: AgentProcessServices;
  readonly #driver: AgentDriver;
  /** Nothing more of it is to come and all is stored, or nobody asks for it. */
  readonly #onGone: (process: AgentProcess) => void;
  #meta: AgentProcessMeta;
  #attached: AttachedAgent | null = null;
  /** Told by the driver while reports had to wait. */
  #held: (() => void)[] | null = null;
  /** Counts drivers: what an earlier one still tells is not heard. */
  #attachment = 0;
  /** The turn it is in, as far as it has told. The notes follow when that is stored. */
  #turnId: string | null;
  /** Turns that it told it has begun by itself, until their ends are stored. */
  readonly #ownTurns = new Set<string>();
  #parked = false;
  /** On performance.now(): since when it has no turn. */
  #idleSince = performance.now();
  #retiring: Promise<void> | null = null;
  /** Who waits for the end of its turn. */
  readonly #waiting: (() => void)[] = [];
  /** Who waits until it has told all that must come before the next message. */
  readonly #waitingTold: (() => void)[] = [];
  readonly #whenEnded = Promise.withResolvers<void>();
  #ended = false;
  #gone = false;
  #abandoned = false;

  constructor(
    services: AgentProcessServices,
    driver: AgentDriver,
    processId: string,
    meta: AgentProcessMeta,
    onGone: (process: AgentProcess) => void,
  ) {
    this.#services = services;
    this.#driver = driver;
    this.#onGone = onGone;
    this.processId = processId;
    this.#meta = meta;
    this.#turnId = null;
    this.#readNotes();
  }

  get meta(): AgentProcessMeta {
    return this.#meta;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Milliseconds without a turn and with nothing under way; 0 while it has something to do. now: performance.now(). */
  idleMs(now: number): number {
    if (this.#attached?.isBusy?.() === true) this.#idleSince = now;
    const busy =
      this.#meta.turn !== null ||
      this.#turnId !== null ||
      this.#held !== null ||
      this.#parked ||
      this.#retiring !== null;
    return busy || this.#ended || this.#attached === null ? 0 : now - this.#idleSince;
  }

  /** Set once it is being stopped for its idleness; resolves when it has ended, or does not seem to. */
  get retiring(): Promise<void> | null {
    return this.#retiring;
  }

  /** Stops the process alone: its session goes on with another one at the next message. */
  retire(): void {
    this.#retiring = this.#end();
    this.#settle(this.#retiring);
  }

  previews(): readonly Preview[] {
    return this.#attached?.previews() ?? [];
  }

  /** A new process in the holder. */
  async start(): Promise<Result<null>> {
    const started = await this.#driver.start(this.processId, this.#context());
    if (!started.ok) return started;
    if (this.#abandoned) {
      // Nobody waits for it any more.
      started.value.detach();
      await this.kill();
      return fail('timeout', 'The agent was started too late.');
    }
    this.#attached = started.value;
    // The driver has stored its part of the notes; this adds the runner's.
    await this.#keep({});
    return ok(null);
  }

  /** A process that is there, alive or ended. First the facts that its notes vouch for, then what it has said since. */
  attach(process: HeldProcess): void {
    this.reportTurn();
    this.#ended = process.exit !== null;
    this.#attached = this.#driver.attach(process, process.streams.out.start, this.#context());
    if (this.#meta.stopping === true && !this.#ended) this.#settle(this.#end());
  }

  /** Runs `work` while the driver's facts wait; `work` reports what must come before them. */
  async holdingBack<T>(work: () => Promise<T>): Promise<T> {
    this.#held = [];
    try {
      return await work();
    } finally {
      const held = this.#held;
      this.#held = null;
      for (const tell of held) tell();
    }
  }

  /**
   * The turn of the notes is running; with the first turn of a process also that it has started. notice: what came of
   * that. One that it began by itself is noted when it is stored.
   */
  reportTurn(notice?: string): void {
    const { sessionId, generation, turn, startedBy } = this.#meta;
    if (turn === null || !('messageId' in turn)) return;
    const facts: FactDraft[] = startedBy === turn.deliveryId ? [{ type: 'session.started', data: { generation } }] : [];
    facts.push({ type: 'turn.started', data: { turnId: turn.turnId, generation, messageId: turn.messageId } });
    const { turnId } = turn;
    if (notice !== undefined) facts.push({ type: 'turn.notice', data: { turnId, level: 'warning', text: notice } });
    this.#services.reports.add({ sessionId, source: startsSource, position: turn.deliveryId, facts });
  }

  /** Resolves when this turn is over, as far as its process has told or is there to tell. */
  async whenOver(turnId: string): Promise<void> {
    if (this.#ended || this.#turnId !== turnId) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The turn it is in, as far as it has told: one whose end is told is over here, though perhaps not stored. */
  get turnId(): string | null {
    return this.#turnId;
  }

  /** It is, or died, in a turn that it began by itself, or how that ended is not stored: what comes next waits for it. */
  get isTelling(): boolean {
    return !this.#gone && this.#ownTurns.size > 0;
  }

  async whenTold(): Promise<void> {
    if (this.isTelling) await new Promise<void>((resolve) => this.#waitingTold.push(resolve));
  }

  /** In the holder's notes before the agent hears of it. */
  async openTurn(turn: { turnId: string; messageId: string; deliveryId: number }): Promise<void> {
    this.#turnId = turn.turnId;
    await this.#keep({ turn, lastDeliveryId: turn.deliveryId });
  }

  /** It was not handed to the agent: `before` is what the notes said. Delivered again, it is handed again. */
  async undoTurn({ turn, lastDeliveryId }: Pick<AgentProcessMeta, 'turn' | 'lastDeliveryId'>): Promise<void> {
    this.#turnId = turn?.turnId ?? null;
    await this.#keep({ turn, lastDeliveryId });
  }

  /** by: the delivery that said so. */
  async keepAgent(change: Partial<AgentProcessMeta['agent']>, by: number): Promise<void> {
    const settingsBy = Math.max(by, this.#meta.settingsBy ?? 0);
    await this.#keep({ agent: { ...this.#meta.agent, ...change }, settingsBy });
  }

  /** Null: it has ended. */
  async attached(): Promise<AttachedAgent | null> {
    if (this.#ended) return null;
    if (this.#parked) await this.#resume();
    return this.#attached;
  }

  /** Its session ends with it. */
  async stop(): Promise<void> {
    await this.#keep({ stopping: true });
    this.#settle(this.#end());
  }

  /**
   * Ends its process group by the holder, whatever its driver does. Then the driver tells what there is to tell; if it
   * does not, another one reads what the agent said up to its end.
   */
  async kill(): Promise<void> {
    const { holder, clock, log } = this.#services;
    const { endMs, callMs } = clock.patience;
    if (this.#ended) return;
    log.warn({ processId: this.processId }, 'an agent’s process is ended by force');
    await clock.within(callMs, holder.signal(this.processId, 'SIGKILL'));
    if (await this.#endsWithin(endMs)) return;
    // A parked one is gone on with when the server is back, and tells its end then.
    if (this.#parked) return;
    this.detach();
    await clock.within(callMs, this.#resume());
    if (!(await this.#endsWithin(endMs))) await this.#endUntold();
  }

  /** The server does not know its session: it ends and nobody is told. */
  abandon(): void {
    this.#abandoned = true;
    if (this.#ended) this.#isGone();
    else this.#settle(this.#end());
  }

  /** It did not start in time: it ends, whenever it comes to be, and nobody is told. */
  async discard(): Promise<void> {
    this.#abandoned = true;
    await this.kill();
  }

  /** Leaves the process alone. */
  detach(): void {
    this.#attachment += 1;
    this.#attached?.detach();
    this.#attached = null;
  }

  /** Its driver ends it, or the holder does. */
  async #end(): Promise<void> {
    const { log, clock } = this.#services;
    this.#attached
      ?.stop()
      .catch((error: unknown) => log.error({ err: error, processId: this.processId }, 'an agent could not be stopped'));
    if (!(await this.#endsWithin(clock.patience.stopMs))) await this.kill();
  }

  async #endsWithin(ms: number): Promise<boolean> {
    if (this.#ended) return true;
    return (
      (await this.#services.clock.within(
        ms,
        this.#whenEnded.promise.then(() => true),
      )) ?? false
    );
  }

  /** No driver tells that it has ended. Its last words are those that were shown. */
  async #endUntold(): Promise<void> {
    const { holder, clock, reports, log } = this.#services;
    const list = await clock.within(clock.patience.callMs, holder.list());
    const process = list?.ok === true ? list.value.find(({ id }) => id === this.processId) : undefined;
    log.error({ processId: this.processId, found: process !== undefined }, 'no driver tells of an agent’s end');
    const partial = this.previews().map(({ offset: _offset, ...block }): FactDraft => ({
      type: 'message.assistant',
      data: { ...block, partial: true },
    }));
    this.detach();
    this.#isEnded();
    if (this.#abandoned || process === undefined) return this.#isGone();
    // Beyond all that a driver tells of a process and of its end.
    const position = process.streams.out.end + 3;
    const { sessionId } = this.#meta;
    if (partial.length > 0) reports.add({ sessionId, source: outputSource(this.processId), position, facts: partial });
    this.#tellEnd(position + 1, process.exit ?? { exitCode: null, signal: 'SIGKILL' });
  }

  #isEnded(): void {
    this.#ended = true;
    this.#whenEnded.resolve();
    this.#turnIsOver();
  }

  #turnIsOver(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (!this.isTelling) for (const resolve of this.#waitingTold.splice(0)) resolve();
  }

  #isGone(): void {
    this.#gone = true;
    this.#turnIsOver();
    this.#onGone(this);
  }

  /** Where a driver begins to read, it is in the turn of the notes. */
  #readNotes(): void {
    const { turn } = this.#meta;
    this.#turnId = turn?.turnId ?? null;
    this.#ownTurns.clear();
    if (turn !== null && 'position' in turn) this.#ownTurns.add(turn.turnId);
  }

  /** Of what is stored, before the holder may forget what it was read from. */
  #noteStored(facts: readonly FactDraft[], position: number): void {
    for (const { type, data } of facts) {
      if (type === 'turn.started') this.#settle(this.#keep({ turn: { turnId: data.turnId, position } }));
      if (type !== 'turn.ended') continue;
      this.#ownTurns.delete(data.turnId);
      if (this.#meta.turn?.turnId === data.turnId) {
        this.#settle(this.#keep({ turn: null, lastTurnId: data.turnId }));
      }
      this.#turnIsOver();
    }
  }

  #context(): DriverContext {
    this.#attachment += 1;
    const attachment = this.#attachment;
    const current = (tell: () => void): void => {
      const checked = (): void => {
        if (attachment === this.#attachment) tell();
      };
      if (this.#held === null) checked();
      else this.#held.push(checked);
    };
    const events: DriverEvents = {
      facts: (position, facts) => current(() => this.#tell(position, facts)),
      preview: (preview) => current(() => this.#services.preview(this.#meta.sessionId, preview)),
      updateMeta: (change) => (attachment === this.#attachment ? this.#keep(change) : Promise.resolve()),
      ended: (position, exit) => {
        // At once, also while facts wait: nothing more can be handed to it.
        if (attachment === this.#attachment) this.#isEnded();
        current(() => this.#tellEnd(position, exit));
      },
    };
    const { holder, uploads, log } = this.#services;
    return { meta: this.#meta, filesDirectory: uploads.directoryOf(this.#meta.sessionId), holder, events, log };
  }

  #tell(position: number, facts: readonly FactDraft[]): void {
    if (facts.length === 0 || this.#abandoned) return;
    const { holder, reports, log } = this.#services;
    const { sessionId } = this.#meta;
    reports.add({ sessionId, source: outputSource(this.processId), position, facts: [...facts] }, () => {
      this.#noteStored(facts, position);
      this.#settle(
        holder.release(this.processId, 'out', position).then((released) => {
          if (!released.ok) log.debug({ processId: this.processId, error: released.error }, 'output was not released');
        }),
      );
      this.#resumeWhenStored();
    });
    for (const { type, data } of facts) {
      if (type === 'turn.started') {
        this.#turnId = data.turnId;
        this.#ownTurns.add(data.turnId);
      } else if (type === 'turn.ended') {
        if (this.#turnId === data.turnId) this.#turnId = null;
        this.#idleSince = performance.now();
        this.#turnIsOver();
      }
    }
    if (reports.waiting(sessionId) > waitingLimit) this.#park();
  }

  #tellEnd(position: number, { leftovers = [] }: AgentExit): void {
    const { reports } = this.#services;
    const { sessionId, stopping } = this.#meta;
    const turnId = this.#turnId;
    if (this.#abandoned) {
      this.#isGone();
      return;
    }
    const facts: FactDraft[] = [];
    if (turnId !== null) {
      if (leftovers.length > 0) facts.push(leftoverNotice(turnId, leftovers));
      facts.push(
        stopping === true
          ? { type: 'turn.ended', data: { turnId, outcome: 'stopped' } }
          : { type: 'turn.interrupted', data: { turnId, reason: 'agent_died' } },
      );
    }
    if (stopping === true) facts.push({ type: 'session.ended', data: { reason: 'stopped' } });
    if (facts.length === 0) {
      // What it said before must be stored before it is forgotten.
      const last = reports.whenAllStored(sessionId, outputSource(this.processId), () => this.#isGone());
      if (!last) this.#isGone();
      return;
    }
    reports.add({ sessionId, source: outputSource(this.processId), position, facts }, () => this.#isGone());
  }

  /** Too much waits for the server: the rest stays in the holder, and so does what waits. */
  #park(): void {
    this.#services.log.warn({ processId: this.processId }, 'an agent’s facts wait for the server; reading stops');
    this.#parked = true;
    this.#attachment += 1;
    this.#attached?.detach();
    this.#attached = null;
  }

  #resumeWhenStored(): void {
    if (this.#parked && this.#services.reports.waiting(this.#meta.sessionId) <= waitingLimit / 2) {
      this.#settle(this.#resume());
    }
  }

  async #resume(): Promise<void> {
    const { holder, reports, log } = this.#services;
    this.#parked = false;
    // What still waits is told again from where the holder's stream begins.
    reports.drop(this.#meta.sessionId, outputSource(this.processId));
    this.#readNotes();
    const list = await holder.list();
    const process = list.ok ? list.value.find(({ id }) => id === this.processId) : undefined;
    if (process === undefined) log.error({ processId: this.processId }, 'an agent’s process is gone from the holder');
    else this.#attached = this.#driver.attach(process, process.streams.out.start, this.#context());
  }

  async #keep(change: Partial<AgentProcessMeta>): Promise<void> {
    if (change.turn === null) this.#idleSince = performance.now();
    this.#meta = { ...this.#meta, ...change };
    const kept = await this.#services.holder.setMeta(this.processId, this.#meta);
    if (!kept.ok) this.#services.log.debug({ processId: this.processId, error: kept.error }, 'notes were not kept');
  }

  #settle(work: Promise<unknown>): void {
    work.catch((error: unknown) =>
      this.#services.log.error({ err: error, processId: this.processId }, 'a step failed'),
    );
  }
}
