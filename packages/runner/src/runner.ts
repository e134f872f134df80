/**
 * The runner: all that is clever about a machine. Finds what lives in the holder, talks to one server at a time, and
 * may be dropped at any moment: everything that matters is in the holder or in the server's store.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { HeldProcess, Holder } from '@holdfast/holder/process.ts';
import type { Channel } from '@holdfast/link/channel.ts';
import { uploadLimits } from '@holdfast/core/upload/decide-piece.ts';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { ErrorBody, Result } from '@holdfast/protocol/error.ts';
import { toRunnerSchema } from '@holdfast/protocol/runner.ts';
import type {
  Instruction,
  InventoryItem,
  RunnerAnswer,
  RunnerQuestion,
  ToRunner,
  ToServer,
} from '@holdfast/protocol/runner.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { AgentCatalogue } from './agents/agent-catalogue.ts';
import { AgentHost } from './agents/agent-host.ts';
import { type After, realAfter } from './after.ts';
import { type AgentPatience, agentPatience } from './agents/call-clock.ts';
import type { AgentDriver } from './agents/driver.ts';
import type { Environment } from './environment.ts';
import { fromHolder } from './holder-error.ts';
import { Instructions, type Postponed } from './instructions.ts';
import { createPreviews } from './previews.ts';
import { createReports } from './reports.ts';
import { RecordingDisk } from './recordings/recording-disk.ts';
import { Recordings } from './recordings/recordings.ts';
import { createCheckpointFiles } from './terminal/checkpoint-files.ts';
import { createScreenModels } from './terminal/screen-models.ts';
import { TerminalHost } from './terminal/terminal-host.ts';
import { createUploadDisk } from './uploads/upload-disk.ts';
import { Uploads } from './uploads/uploads.ts';
import { prepareRoots, resolveWorkspacePath } from './workspace-path.ts';

export interface RunnerOptions {
  readonly runnerId: string;
  /** What people call this machine. */
  readonly name: string;
  /** Screens are kept in it. Made where missing. */
  readonly dataDir: string;
  /** What people hand over lies in it. Made where missing; outside of every root. */
  readonly uploadsDirectory: string;
  /** Of one uploaded file; what may be staged in all follows from it. Default 0: no limit. */
  readonly maxUploadBytes?: number;
  /** Days after its last use until an upload goes. Default 0: never. */
  readonly uploadDays?: number;
  /** Absolute folders that may be worked in; made where missing. */
  readonly roots: readonly string[];
  /** Connected. Closed by its owner, not by the runner. When it is lost, drop this runner and make a new one. */
  readonly holder: Holder;
  readonly drivers: readonly AgentDriver[];
  /** The server's own environment; shells get a short list of it. */
  readonly environment: Environment;
  readonly log: Logger;
  /** Milliseconds a stopped shell has after SIGHUP, and again after SIGTERM. Default 2,000. */
  readonly stopPatience?: number;
  /** Milliseconds without a turn after which an agent's process is stopped. Default 0: never. */
  readonly agentIdleMs?: number;
  /** What drivers are given; each has a default. */
  readonly agentPatience?: Partial<AgentPatience>;
  /** Calls once after so many milliseconds; returns the cancel function. Default: the real time. */
  readonly after?: After;
  /** The server has taken this runner in, on each new link. */
  readonly onWelcome?: () => void;
  /** The server will not have this runner; it need not be tried again. */
  readonly onRefused?: (error: ErrorBody) => void;
}

export interface Runner {
  /** Resolved roots; the first is the default one. */
  readonly roots: readonly string[];
  /** Says hello on the channel; replaces an earlier one, which is closed. */
  connect(channel: Channel<ToServer, ToRunner>): void;
  /** Saves screens, closes the link and leaves. Ends no process. */
  close(): Promise<void>;
}

/** bad_request: a root, or the directory of uploads, cannot be used. unavailable: the holder does not answer. */
export async function createRunner(options: RunnerOptions): Promise<Result<Runner>> {
  const roots = await prepareRoots(options.roots);
  if (!roots.ok) return roots;
  const runner = new LinkedRunner(options, roots.value);
  const found = await runner.goOn();
  return found.ok ? ok(runner) : found;
}

class LinkedRunner implements Runner {
  readonly roots: readonly string[];
  readonly #options: RunnerOptions;
  readonly #reports = createReports();
  readonly #models;
  readonly #terminals: TerminalHost;
  readonly #agents: AgentHost;
  readonly #catalogue: AgentCatalogue;
  readonly #instructions: Instructions;
  readonly #uploads: Uploads;
  readonly #recordings: Recordings;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #previews = createPreviews({
    send: (sessionId, preview) => this.#send({ type: 'preview', sessionId, preview }),
    whole: (sessionId) => this.#agents.previews(sessionId),
    bufferedBytes: () => this.#channel?.bufferedBytes ?? 0,
  });
  #channel: Channel<ToServer, ToRunner> | null = null;
  #closed = false;

  constructor(options: RunnerOptions, roots: readonly string[]) {
    const { dataDir, holder, drivers, environment, log, stopPatience, uploadsDirectory } = options;
    this.#options = options;
    this.roots = roots;
    this.#models = createScreenModels(log);
    const reports = this.#reports;
    this.#recordings = new Recordings({
      disk: new RecordingDisk(join(dataDir, 'recordings')),
      reports,
      days: options.uploadDays ?? 0,
      now: () => Date.now(),
      after: options.after ?? realAfter,
      log,
    });
    this.#terminals = new TerminalHost({
      recordings: this.#recordings,
      holder,
      models: this.#models,
      checkpoints: createCheckpointFiles(dataDir, log),
      stopPatience: stopPatience ?? 2_000,
      log,
      reports,
      roots,
      environment,
    });
    this.#uploads = new Uploads({
      disk: createUploadDisk(uploadsDirectory),
      limits: uploadLimits(options.maxUploadBytes ?? 0),
      days: options.uploadDays ?? 0,
      now: () => Date.now(),
      after: options.after ?? realAfter,
      log,
    });
    this.#agents = new AgentHost({
      holder,
      reports,
      uploads: this.#uploads,
      preview: (sessionId, preview) => this.#previews.add(sessionId, preview),
      log,
      drivers,
      roots,
      idleMs: options.agentIdleMs ?? 0,
      after: options.after ?? realAfter,
      patience: { ...agentPatience, ...options.agentPatience },
    });
    this.#catalogue = new AgentCatalogue(() => Promise.all(drivers.map((driver) => driver.info())));
    this.#instructions = new Instructions({
      carryOut: (deliveryId, instruction) => this.#carryOut(deliveryId, instruction),
      // Of a terminal all stays in order: it ends after what was typed before.
      overtakes: ({ type, sessionId }) =>
        type === 'turn.stop' || (type === 'session.stop' && this.#agents.has(sessionId)),
      reports,
      done: (deliveryId) => this.#send({ type: 'done', deliveryId }),
      log,
    });
  }

  /** Attaches to what an earlier runner left in the holder. */
  async goOn(): Promise<Result<null>> {
    const { holder, dataDir, uploadsDirectory } = this.#options;
    try {
      await this.#uploads.start();
    } catch (error) {
      return fail('bad_request', `the directory ${uploadsDirectory} cannot be used: ${String(error)}`);
    }
    try {
      await this.#recordings.start();
    } catch (error) {
      return fail('bad_request', `recordings cannot be kept in ${dataDir}: ${String(error)}`);
    }
    this.#unsubscribe.push(
      holder.onExit((process) => this.#terminals.exited(process)),
      holder.onDisconnect(() => this.#holderLost()),
    );
    const list = fromHolder(await holder.list());
    if (!list.ok) return list;
    const others: HeldProcess[] = [];
    for (const process of list.value) if (!(await this.#terminals.attach(process))) others.push(process);
    this.#agents.attach(others);
    await this.#recordings.endLost();
    return ok(null);
  }

  connect(channel: Channel<ToServer, ToRunner>): void {
    this.#disconnect();
    if (this.#closed) {
      channel.close();
      return;
    }
    this.#channel = channel;
    channel.onClose(() => {
      if (this.#channel === channel) this.#disconnect();
    });
    channel.onMessage((message) => {
      if (this.#channel !== channel) return;
      try {
        this.#receive(message);
      } catch (error) {
        // One message's bug is not the end of every session.
        this.#options.log.error({ err: error }, 'a message could not be handled');
      }
    });
    const { runnerId, name } = this.#options;
    const inventory = this.#inventory();
    const uploads = [...new Set([...this.#uploads.sessions(), ...this.#recordings.sessions()])];
    channel.send({
      type: 'hello',
      protocolVersion,
      runnerId,
      name,
      roots: [...this.roots],
      inventory,
      ...(uploads.length === 0 ? {} : { uploads }),
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#disconnect();
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#uploads.close();
    this.#recordings.close();
    this.#agents.close();
    await this.#terminals.close();
    await this.#models.close();
  }

  #inventory(): InventoryItem[] {
    return [...this.#terminals.inventory(), ...this.#agents.inventory()];
  }

  #disconnect(): void {
    const channel = this.#channel;
    this.#channel = null;
    this.#reports.sendTo(null);
    this.#previews.forget();
    this.#terminals.closeOutputs();
    channel?.close();
  }

  #holderLost(): void {
    if (this.#closed) return;
    this.#options.log.error('the holder is gone; this runner can do nothing more');
    this.#closed = true;
    this.#disconnect();
    this.#uploads.close();
    this.#recordings.close();
    this.#agents.close();
    this.#terminals.abandon();
    this.#models.close().catch((error: unknown) => this.#options.log.warn({ err: error }, 'the screen thread lingers'));
  }

  #send(message: ToServer): void {
    this.#channel?.send(message);
  }

  #receive(message: ToRunner): void {
    const parsed = toRunnerSchema.safeParse(message);
    if (parsed.success) this.#handle(parsed.data);
    else this.#options.log.warn({ issues: parsed.error.issues.slice(0, 5) }, 'a message of the server is malformed');
  }

  #handle(message: ToRunner): void {
    switch (message.type) {
      case 'welcome':
        this.#welcome(message.protocolVersion);
        return;
      case 'refused':
        this.#options.log.error({ error: message.error }, 'the server refuses this runner');
        this.#options.onRefused?.(message.error);
        return;
      case 'deliver':
        this.#instructions.deliver(message.deliveryId, message.instruction);
        return;
      case 'abandon':
        this.#settle(this.#abandon(message.sessionId));
        return;
      case 'inventory':
        this.#send({ type: 'inventory', inventory: this.#inventory() });
        return;
      case 'stored':
        this.#reports.stored(message.sessionId, message.source, message.position);
        return;
      case 'ttyOpen':
        this.#openOutput(message.sessionId, message.from);
        return;
      case 'ttyClose':
        this.#terminals.terminal(message.sessionId)?.closeOutput();
        return;
      case 'uploadsDrop':
        this.#settle(this.#uploads.drop(message.sessionId));
        this.#settle(this.#recordings.drop(message.sessionId));
        return;
      case 'ask':
        this.#settle(this.#answer(message.requestId, message.question));
        return;
      case 'input':
        this.#input(message);
        return;
      case 'ttyTaken':
        this.#terminals.terminal(message.sessionId)?.outputTaken(message.offset);
        return;
    }
  }

  #welcome(version: number): void {
    if (version !== protocolVersion) {
      this.#options.log.error({ version, ours: protocolVersion }, 'the server speaks another version');
      this.#disconnect();
      return;
    }
    this.#reports.sendTo((report) => this.#send({ type: 'report', report }));
    this.#options.onWelcome?.();
  }

  #input({ sessionId, inputId, offset, data }: Extract<ToRunner, { type: 'input' }>): void {
    const answer = (result: Result<number>): void => {
      if (result.ok) this.#send({ type: 'inputAccepted', sessionId, inputId, offset: result.value });
      else this.#send({ type: 'inputRefused', sessionId, inputId, error: result.error });
    };
    const terminal = this.#terminals.terminal(sessionId);
    if (terminal === undefined) return answer(fail('session_ended', 'this terminal has ended'));
    terminal.input(inputId, offset, data).then(answer, (error: unknown) => {
      this.#options.log.error({ err: error, sessionId }, 'keys could not be written');
      answer(fail('internal', 'the keys could not be written'));
    });
  }

  #openOutput(sessionId: string, from: number | null): void {
    this.#terminals.terminal(sessionId)?.openOutput(from, {
      opened: (first) => this.#send({ type: 'ttyOpened', sessionId, first }),
      output: (offset, data) => this.#send({ type: 'tty', sessionId, offset, data }),
    });
  }

  async #carryOut(deliveryId: number, instruction: Instruction): Promise<Postponed | undefined | void> {
    const { sessionId } = instruction;
    switch (instruction.type) {
      case 'terminal.start':
        return this.#terminals.start(deliveryId, instruction);
      case 'terminal.write':
        return this.#terminals.write(deliveryId, sessionId, instruction.data);
      case 'terminal.resize':
        return this.#terminals.resize(deliveryId, sessionId, instruction.cols, instruction.rows);
      case 'recording.start':
        return this.#terminals.startRecording(instruction);
      case 'recording.stop':
        return this.#terminals.stopRecording(sessionId);
      case 'turn.start':
        return this.#agents.startTurn(deliveryId, instruction);
      case 'turn.stop':
        return this.#agents.stopTurn(deliveryId, instruction);
      case 'mode.set':
        return this.#agents.setMode(deliveryId, instruction);
      case 'model.set':
        return this.#agents.setModel(deliveryId, instruction);
      case 'approval.apply':
        return this.#agents.applyApproval(instruction);
      case 'session.stop': {
        const terminal = this.#terminals.terminal(sessionId);
        return terminal === undefined ? this.#agents.stopSession(deliveryId, sessionId) : terminal.stop();
      }
    }
  }

  async #abandon(sessionId: string): Promise<void> {
    this.#options.log.warn({ sessionId }, 'the server does not know this session; its processes are ended');
    this.#reports.forget(sessionId);
    this.#agents.abandonSession(sessionId);
    await this.#terminals.abandonSession(sessionId);
  }

  async #answer(requestId: string, question: RunnerQuestion): Promise<void> {
    let result: Result<unknown>;
    try {
      result = await this.#find(question);
    } catch (error) {
      this.#options.log.error({ err: error, question: question.type }, 'a question could not be answered');
      result = fail('internal', 'the runner could not answer');
    }
    this.#send({ type: 'answer', requestId, result });
  }

  async #find(question: RunnerQuestion): Promise<Result<RunnerAnswer<RunnerQuestion['type']>>> {
    switch (question.type) {
      case 'screen':
        return this.#terminals.screen(question.sessionId);
      case 'view':
        return this.#terminals.view(question.sessionId, question.scrollback);
      case 'output':
        return this.#terminals.output(question.sessionId, question.from);
      case 'agents':
        return ok(await this.#catalogue.read(question.refresh ?? false));
      case 'workspace': {
        const path = await resolveWorkspacePath(this.roots, question.path);
        return path.ok ? ok({ path: path.value }) : path;
      }
      case 'previews':
        return ok({ previews: [...this.#agents.previews(question.sessionId)] });
      case 'uploadPut':
        return this.#uploads.put(question);
      case 'uploadState':
        return this.#uploads.state(question);
      case 'uploadRemove':
        return this.#uploads.remove(question);
      case 'uploadRead':
        return this.#uploads.read(question, question.from);
      case 'uploadCheck':
        return this.#uploads.check(question.sessionId, question.attachments);
      case 'recordings':
        return ok({ recordings: this.#recordings.list(question.sessionId) });
      case 'recordingRead':
        return this.#recordings.read(question, question.from);
      case 'recordingRemove':
        return this.#recordings.remove(question);
    }
  }

  #settle(work: Promise<void>): void {
    work.catch((error: unknown) => this.#options.log.error({ err: error }, 'a step failed'));
  }
}
