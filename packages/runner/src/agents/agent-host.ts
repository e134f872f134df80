/** All agents of the runner, by session: carries out what the server instructs. One live process per session, ever. */
import type { HeldProcess } from '@holdfast/holder/process.ts';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { ErrorBody, Result } from '@holdfast/protocol/error.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { Instruction, InventoryItem } from '@holdfast/protocol/runner.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import { processIdOf } from '../process-id.ts';
import { deliveriesSource, startsSource } from '../reports.ts';
import type { AttachedFile } from '../uploads/uploads.ts';
import { existingWorkspacePath } from '../workspace-path.ts';
import { agentProcessMetaSchema } from './agent-meta.ts';
import { type After, repeatedly } from '../after.ts';
import type { Postponed } from '../instructions.ts';
import { type AgentPatience, CallClock } from './call-clock.ts';
import { survey } from './survey.ts';
import { TurnStart } from './turn-start.ts';
import { AgentProcess } from './agent-process.ts';
import type { AgentProcessServices } from './agent-process.ts';
import type { AgentDriver, AttachedAgent } from './driver.ts';

type InstructionOf<T extends Instruction['type']> = Extract<Instruction, { type: T }>;

export interface AgentHostOptions extends Omit<AgentProcessServices, 'clock'> {
  readonly drivers: readonly AgentDriver[];
  /** Resolved. */
  readonly roots: readonly string[];
  /** Milliseconds without a turn after which a process is stopped; 0: never. */
  readonly idleMs: number;
  /** Milliseconds on a clock that only differences count of. */
  readonly after: After;
  readonly patience: AgentPatience;
}

interface Past {
  /** The newest turn.start that was handed out. */
  readonly lastDeliveryId: number;
  /** The session was told to end. */
  readonly stopping: boolean;
}

/** Sessions whose past is remembered, the newest. */
const rememberedPasts = 4_096;
/** Between looks for idle processes, ms, at most. */
const sweepMs = 60_000;

export class AgentHost {
  readonly #options: AgentHostOptions & AgentProcessServices;
  readonly #clock: CallClock;
  /** By session; ascending by generation, only the last can be alive. Ended ones stay until their facts are stored. */
  readonly #processes = new Map<string, AgentProcess[]>();
  /** Of sessions without a process: what is still on its way here may be about one that is gone. */
  readonly #past = new Map<string, Past>();
  /** What was allowed for the session, while its process is gone for idleness. */
  readonly #allowedTools = new Map<string, AgentProcess['meta']['allowedTools']>();
  /** By session: the turn that is on its way to its agent. */
  readonly #starts = new Map<string, TurnStart>();
  /** Turns that were told to stop, the newest: they begin no more. */
  readonly #stopped = new Map<string, true>();
  readonly #stopSweeping: (() => void) | null = null;
  #closed = false;

  constructor(options: AgentHostOptions) {
    this.#clock = new CallClock(options.after, options.patience);
    this.#options = { ...options, clock: this.#clock };
    const { after, idleMs } = options;
    if (idleMs > 0) this.#stopSweeping = repeatedly(after, Math.min(sweepMs, idleMs), () => this.#stopIdle());
  }

  /** Goes on with the processes of an earlier runner that are agents of ours. */
  attach(processes: readonly HeldProcess[]): void {
    const found = processes.flatMap((process) => {
      const meta = agentProcessMetaSchema.safeParse(process.meta);
      return meta.success ? [{ process, meta: meta.data }] : [];
    });
    found.sort((a, b) => a.meta.generation - b.meta.generation);
    for (const { process, meta } of found) {
      const driver = this.#driver(meta.agent.provider);
      if (driver === undefined) {
        this.#options.log.error({ processId: process.id, provider: meta.agent.provider }, 'no driver for this agent');
        continue;
      }
      const agent = this.#make(driver, process.id, meta);
      this.#processes.set(meta.sessionId, [...(this.#processes.get(meta.sessionId) ?? []), agent]);
      agent.attach(process);
    }
  }

  inventory(): InventoryItem[] {
    return [...this.#processes].flatMap(([sessionId, processes]) => {
      const last = processes.at(-1);
      if (last === undefined) return [];
      const { generation, turn } = last.meta;
      // Also a turn whose end is told and not stored: that report is still to come.
      return [{ sessionId, generation, alive: !last.ended, turnId: turn?.turnId ?? null }];
    });
  }

  previews(sessionId: string): readonly Preview[] {
    return this.#processes.get(sessionId)?.at(-1)?.previews() ?? [];
  }

  /** Running or failed: reported either way. Or to be asked again, when the agent is in no turn of its own. */
  async startTurn(deliveryId: number, instruction: InstructionOf<'turn.start'>): Promise<Postponed | undefined> {
    const { sessionId, turnId } = instruction;
    const start = new TurnStart(turnId, this.#clock);
    this.#starts.set(sessionId, start);
    try {
      const started = await this.#startTurn(deliveryId, instruction, start);
      if ('until' in started) return started;
      if (!started.ok)
        this.#reportEnd(startsSource, sessionId, deliveryId, turnId, start.stopAsked ? null : started.error);
      return undefined;
    } finally {
      this.#starts.delete(sessionId);
      start.end();
    }
  }

  /** There is something of this session that can be told to end, or will be. */
  has(sessionId: string): boolean {
    return this.#starts.has(sessionId) || this.#live(sessionId) !== undefined;
  }

  /**
   * A turn no process knows is ended here: stop always ends it. It waits for the turn's end, so that a runner that goes
   * leaves it to the next one; an agent that does not answer is ended.
   */
  async stopTurn(deliveryId: number, { sessionId, turnId }: InstructionOf<'turn.stop'>): Promise<void> {
    const { log } = this.#options;
    remember(this.#stopped, turnId, true);
    await this.#interruptStart(sessionId, turnId);
    const process = this.#live(sessionId);
    const attached = process?.turnId === turnId ? await process.attached() : null;
    if (process === undefined || attached === null) {
      this.#reportEnd(deliveriesSource, sessionId, deliveryId, turnId, null);
      return;
    }
    attached.stopTurn(turnId).then(
      (stopped) => stopped.ok || log.warn({ sessionId, turnId, error: stopped.error }, 'a turn could not be stopped'),
      (error: unknown) => log.error({ err: error, sessionId, turnId }, 'a turn could not be stopped'),
    );
    const over = process.whenOver(turnId).then(() => true);
    if ((await this.#clock.within(this.#clock.patience.stopMs, over)) === null) await process.kill();
  }

  /** Stop does not wait behind the start of its turn, or of any where none is named: that has less time now. */
  async #interruptStart(sessionId: string, turnId?: string): Promise<void> {
    const start = this.#starts.get(sessionId);
    if (start === undefined || (turnId !== undefined && start.turnId !== turnId)) return;
    start.stop();
    await start.over;
  }

  /** An answer for a process that is gone goes nowhere: its turn's interruption has expired the question. */
  async applyApproval(instruction: InstructionOf<'approval.apply'>): Promise<void> {
    const { sessionId, approvalId, toolCallId, answer } = instruction;
    await this.#with(sessionId, 'an answer', (agent) => agent.answer(approvalId, toolCallId, answer));
  }

  setMode(deliveryId: number, { sessionId, mode }: InstructionOf<'mode.set'>): Promise<Postponed | undefined> {
    return this.#set(sessionId, deliveryId, { mode }, (agent) => agent.setMode(mode));
  }

  setModel(deliveryId: number, { sessionId, model }: InstructionOf<'model.set'>): Promise<Postponed | undefined> {
    return this.#set(sessionId, deliveryId, { model }, (agent) => agent.setModel(model));
  }

  /** At once. Once more behind a message that waits, which may have to start another process with what was set before. */
  async #set(
    sessionId: string,
    deliveryId: number,
    change: Partial<AgentProcess['meta']['agent']>,
    act: (agent: AttachedAgent) => Promise<Result<null>>,
  ): Promise<Postponed | undefined> {
    const live = this.#live(sessionId);
    if (live !== undefined && deliveryId >= (live.meta.settingsBy ?? 0)) {
      const set = await this.#with(sessionId, Object.keys(change).join(), act);
      if (set) await live.keepAgent(change, deliveryId);
    }
    return this.#whenTold(sessionId);
  }

  /** The end follows from the process's; without one the session ends here. */
  async stopSession(deliveryId: number, sessionId: string): Promise<void> {
    this.#allowedTools.delete(sessionId);
    await this.#interruptStart(sessionId);
    const process = this.#live(sessionId);
    if (process !== undefined) {
      await process.stop();
      return;
    }
    remember(this.#past, sessionId, { lastDeliveryId: 0, stopping: true });
    this.#options.reports.add({
      sessionId,
      source: deliveriesSource,
      position: deliveryId,
      facts: [{ type: 'session.ended', data: { reason: 'stopped' } }],
    });
  }

  abandonSession(sessionId: string): void {
    this.#allowedTools.delete(sessionId);
    for (const process of this.#processes.get(sessionId) ?? []) process.abandon();
  }

  /** Leaves; the agents go on. */
  close(): void {
    this.#closed = true;
    this.#clock.close();
    this.#stopSweeping?.();
    for (const processes of this.#processes.values()) for (const process of processes) process.detach();
    this.#processes.clear();
  }

  async #startTurn(
    deliveryId: number,
    instruction: InstructionOf<'turn.start'>,
    start: TurnStart,
  ): Promise<Result<null> | Postponed> {
    const { sessionId, turnId, messageId, text } = instruction;
    const turn = { turnId, messageId, deliveryId };
    // Two processes on one conversation lose a branch of it: the idle one must be gone first.
    await this.#live(sessionId)?.retiring;
    const past = this.#pastOf(sessionId);
    // Its session is ending, and its end is the turn's; or Stop, which came first, tells that it is over.
    if (past.stopping || start.stopAsked || this.#stopped.has(turnId)) return ok(null);
    const live = this.#live(sessionId);
    // Which goes first is decided here, where both meet (TURN18).
    const before = this.#whenTold(sessionId);
    if (before !== undefined) return before;
    const repeated = live?.turnId === turnId;
    // A process that had it tells how the turn ended, or has told it: nobody is prompted again.
    if (deliveryId <= past.lastDeliveryId && !repeated) return ok(null);
    if (live === undefined) return this.#startProcess(instruction, turn, start);
    const files = await this.#filesOf(instruction);
    // What the agent has been handed it has, whatever became of the files.
    if (!files.ok && !repeated) return files;
    let opened = false;
    const started = await live.holdingBack(async () => {
      const attached = await live.attached();
      if (attached === null) return null;
      const fitted = await start.call(this.#fit(live, attached, instruction, deliveryId));
      if (!fitted.ok) return fitted;
      const before = live.meta;
      await live.openTurn(turn);
      opened = true;
      const message = { turnId, messageId, text, files: files.ok ? files.value : [] };
      const handed = await start.call(attached.startTurn(message));
      if (this.#closed) return undone();
      if (handed.ok) live.reportTurn();
      else if (start.expired) live.reportTurn(handed.error.message);
      else await live.undoTurn(before);
      return handed;
    });
    if (started?.ok === true) return started;
    if (this.#closed) return undone();
    // It began by itself at that very moment.
    const meanwhile = started?.error.kind === 'conflict' ? this.#whenTold(sessionId) : undefined;
    if (meanwhile !== undefined) return meanwhile;
    if (start.expired && started !== null) {
      await live.kill();
      // It may have the message: the end of the process is the turn's, and no other is prompted.
      return opened ? ok(null) : started;
    }
    // It may have died before its driver heard of it: then a new process takes the turn.
    const { alive } = await this.#survey(sessionId);
    return alive && started !== null ? started : this.#startProcess(instruction, turn, start);
  }

  #whenTold(sessionId: string): Postponed | undefined {
    const last = this.#processes.get(sessionId)?.at(-1);
    return last?.isTelling === true ? { until: last.whenTold() } : undefined;
  }

  #filesOf({ sessionId, attachments = [] }: InstructionOf<'turn.start'>): Promise<Result<AttachedFile[]>> {
    return this.#options.uploads.files(sessionId, attachments);
  }

  /** Mode and model as the session has them now; a live process normally has them already. */
  async #fit(
    process: AgentProcess,
    attached: AttachedAgent,
    { agent }: InstructionOf<'turn.start'>,
    deliveryId: number,
  ): Promise<Result<null>> {
    // It may have had to wait while the person changed them.
    if (deliveryId < (process.meta.settingsBy ?? 0)) return ok(null);
    if (agent.mode !== process.meta.agent.mode) {
      const set = await attached.setMode(agent.mode);
      if (!set.ok) return set;
      await process.keepAgent({ mode: agent.mode }, deliveryId);
    }
    if (agent.model !== undefined && agent.model !== process.meta.agent.model) {
      const set = await attached.setModel(agent.model);
      if (!set.ok) return set;
      await process.keepAgent({ model: agent.model }, deliveryId);
    }
    return ok(null);
  }

  async #startProcess(
    instruction: InstructionOf<'turn.start'>,
    turn: { turnId: string; messageId: string; deliveryId: number },
    start: TurnStart,
  ): Promise<Result<null>> {
    const { sessionId, agent, nextGeneration, turnId, messageId, text } = instruction;
    const driver = this.#driver(agent.provider);
    if (driver === undefined) {
      return fail('agent_unavailable', `There is no agent called ${agent.provider} on this machine.`);
    }
    const cwd = await existingWorkspacePath(this.#options.roots, instruction.cwd);
    if (!cwd.ok) return cwd;
    const files = await this.#filesOf(instruction);
    if (!files.ok) return files;
    const { alive, newest } = await this.#survey(sessionId);
    // Two processes on one conversation lose a branch of it.
    if (alive) return fail('conflict', 'An earlier process of this agent still runs; send the message again later.');
    const earlier = this.#processes.get(sessionId)?.at(-1)?.meta;
    const generation = Math.max(nextGeneration, newest + 1);
    const process = this.#make(driver, processIdOf(sessionId, generation), {
      sessionId,
      generation,
      cwd: cwd.value,
      agent,
      conversationId: earlier?.conversationId ?? instruction.conversationId,
      turn,
      allowedTools: earlier?.allowedTools ?? this.#allowedTools.get(sessionId) ?? [],
      lastDeliveryId: turn.deliveryId,
      startedBy: turn.deliveryId,
    });
    const begun: FactDraft = { type: 'session.started', data: { generation } };
    if (start.stopAsked) return ok(null);
    await process.holdingBack(async () => {
      const started = await start.call(process.start());
      if (!started.ok) {
        // Its number is used up where it may come to be all the same.
        const before = start.expired ? [begun] : [];
        this.#reportEnd(
          startsSource,
          sessionId,
          turn.deliveryId,
          turnId,
          start.stopAsked ? null : started.error,
          before,
        );
        if (start.expired) await process.discard();
        else this.#forget(process);
        return;
      }
      this.#processes.set(sessionId, [...(this.#processes.get(sessionId) ?? []), process]);
      this.#allowedTools.delete(sessionId);
      const attached = await process.attached();
      const handed =
        attached === null
          ? fail('agent_unavailable', 'The agent ended as soon as it was started.')
          : await start.call(attached.startTurn({ turnId, messageId, text, files: files.value }));
      if (this.#closed) return undone();
      if (handed.ok) {
        process.reportTurn();
      } else if (start.expired) {
        process.reportTurn(handed.error.message);
      } else {
        await process.undoTurn({ turn: null, lastDeliveryId: undefined });
        this.#reportEnd(startsSource, sessionId, turn.deliveryId, turnId, handed.error, [begun]);
      }
    });
    if (start.expired) await process.kill();
    return ok(null);
  }

  #survey(sessionId: string): ReturnType<typeof survey> {
    const known = (this.#processes.get(sessionId) ?? []).map(({ meta }) => meta.generation);
    return survey(this.#options.holder, sessionId, known);
  }

  async #with(sessionId: string, what: string, act: (agent: AttachedAgent) => Promise<Result<null>>): Promise<boolean> {
    const attached = await this.#live(sessionId)?.attached();
    if (attached === undefined || attached === null) return false;
    const { callMs } = this.#clock.patience;
    const result = (await this.#clock.within(callMs, act(attached))) ?? fail('timeout', 'The agent did not answer.');
    if (!result.ok) this.#options.log.warn({ sessionId, error: result.error }, `${what} was not taken by the agent`);
    return result.ok;
  }

  #stopIdle(): void {
    const now = performance.now();
    for (const [sessionId, processes] of this.#processes) {
      const last = processes.at(-1);
      if (last === undefined || last.idleMs(now) < this.#options.idleMs) continue;
      this.#options.log.info({ sessionId, processId: last.processId }, 'an idle agent’s process is stopped');
      this.#allowedTools.set(sessionId, last.meta.allowedTools);
      last.retire();
    }
  }

  #live(sessionId: string): AgentProcess | undefined {
    const last = this.#processes.get(sessionId)?.at(-1);
    return last === undefined || last.ended ? undefined : last;
  }

  #pastOf(sessionId: string): Past {
    const last = this.#processes.get(sessionId)?.at(-1);
    const past = this.#past.get(sessionId);
    return {
      lastDeliveryId: Math.max(last?.meta.lastDeliveryId ?? 0, past?.lastDeliveryId ?? 0),
      stopping: last?.meta.stopping === true || past?.stopping === true,
    };
  }

  #make(driver: AgentDriver, processId: string, meta: AgentProcess['meta']): AgentProcess {
    return new AgentProcess(this.#options, driver, processId, meta, (gone) => this.#forget(gone));
  }

  #forget(gone: AgentProcess): void {
    const { holder, log } = this.#options;
    const { sessionId } = gone.meta;
    remember(this.#past, sessionId, this.#pastOf(sessionId));
    const left = (this.#processes.get(sessionId) ?? []).filter((process) => process !== gone);
    if (left.length > 0) this.#processes.set(sessionId, left);
    else this.#processes.delete(sessionId);
    gone.detach();
    holder.forget(gone.processId).then(
      (forgotten) => {
        if (!forgotten.ok) log.debug({ processId: gone.processId, error: forgotten.error }, 'nothing to forget');
      },
      (error: unknown) => log.error({ err: error, processId: gone.processId }, 'an ended agent was not cleared away'),
    );
  }

  #driver(provider: string): AgentDriver | undefined {
    return this.#options.drivers.find((driver) => driver.provider === provider);
  }

  #reportEnd(
    source: string,
    sessionId: string,
    deliveryId: number,
    turnId: string,
    error: ErrorBody | null,
    before: readonly FactDraft[] = [],
  ): void {
    const fact: FactDraft =
      error === null
        ? { type: 'turn.ended', data: { turnId, outcome: 'stopped' } }
        : { type: 'turn.ended', data: { turnId, outcome: 'failed', error } };
    this.#options.reports.add({ sessionId, source, position: deliveryId, facts: [...before, fact] });
  }
}

/** What is remembered of sessions is of the newest. */
function remember<T>(map: Map<string, T>, sessionId: string, value: T): void {
  map.delete(sessionId);
  map.set(sessionId, value);
  const [oldest] = map.keys();
  if (oldest !== undefined && map.size > rememberedPasts) map.delete(oldest);
}

/**
 * What was under way when this runner left says nothing any more, not even that it failed: the next runner is given it
 * again and goes on from what the holder knows.
 */
const undone = (): Promise<never> => new Promise(() => undefined);
