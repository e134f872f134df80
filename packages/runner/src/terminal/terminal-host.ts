/** All terminals of the runner, by session: carries out what the server instructs and answers what it asks. */
import type { HeldProcess } from '@holdfast/holder/process.ts';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { ErrorBody, Result } from '@holdfast/protocol/error.ts';
import type { Instruction, InventoryItem } from '@holdfast/protocol/runner.ts';
import { defaultShell, findExecutable } from '../executable.ts';
import { shellEnvironment } from '../environment.ts';
import type { Environment } from '../environment.ts';
import { fromHolder } from '../holder-error.ts';
import { processIdOf } from '../process-id.ts';
import type { Recordings } from '../recordings/recordings.ts';
import { deliveriesSource } from '../reports.ts';
import type { Reports } from '../reports.ts';
import { existingWorkspacePath } from '../workspace-path.ts';
import type { View } from './lazy-screen.ts';
import type { Snapshot } from './screen-model.ts';
import { integratedStart } from './shell-integration.ts';
import { Terminal } from './terminal.ts';
import type { TerminalServices } from './terminal.ts';
import { terminalMetaSchema } from './terminal-meta.ts';
import type { TerminalMeta } from './terminal-meta.ts';

type StartRecording = Extract<Instruction, { type: 'recording.start' }>;
type StartTerminal = Extract<Instruction, { type: 'terminal.start' }>;

export interface TerminalHostOptions extends TerminalServices {
  readonly recordings: Recordings;
  readonly reports: Reports;
  /** Resolved. */
  readonly roots: readonly string[];
  /** The server's own; a shell gets a part of it. */
  readonly environment: Environment;
}

const defaultSize = { cols: 80, rows: 24 };

export class TerminalHost {
  readonly #options: TerminalHostOptions;
  readonly #terminals = new Map<string, Terminal>();
  /** By process id: ended while its terminal was still being made. */
  readonly #early = new Map<string, HeldProcess>();
  /** Sessions the server does not know: their ends are told to nobody. */
  readonly #abandoned = new Set<string>();

  constructor(options: TerminalHostOptions) {
    this.#options = options;
  }

  /** Goes on with a process of an earlier runner. False: it is no terminal of ours. */
  async attach(process: HeldProcess): Promise<boolean> {
    const meta = terminalMetaSchema.safeParse(process.meta);
    if (!meta.success) return false;
    await this.#add(process, meta.data, false);
    return true;
  }

  terminal(sessionId: string): Terminal | undefined {
    return this.#terminals.get(sessionId);
  }

  inventory(): InventoryItem[] {
    return [...this.#terminals].map(([sessionId, { generation, alive }]) => ({
      sessionId,
      generation,
      alive,
      turnId: null,
    }));
  }

  /** Started, or failed with a reason: reported either way. */
  async start(deliveryId: number, instruction: StartTerminal): Promise<void> {
    const { sessionId, generation } = instruction;
    const { holder, reports } = this.#options;
    const processId = processIdOf(sessionId, generation);
    if (this.#terminals.get(sessionId)?.processId !== processId) {
      const prepared = await this.#prepare(instruction);
      if (!prepared.ok) {
        this.#reportFailure(sessionId, deliveryId, prepared.error);
        return;
      }
      const meta: TerminalMeta = {
        kind: 'terminal',
        sessionId,
        generation,
        cwd: prepared.value.cwd,
        shell: prepared.value.file,
        deliveryId,
        cols: prepared.value.cols,
        rows: prepared.value.rows,
        resizes: [],
        stopping: false,
      };
      const spawned = await holder.spawn(processId, prepared.value, meta);
      if (spawned.ok) {
        await this.#add(spawned.value, meta, true);
      } else if (spawned.error.kind === 'exists') {
        await this.#attachExisting(processId);
      } else if (spawned.error.kind === 'disconnected') {
        throw new Error(`the holder went away: ${spawned.error.message}`);
      } else {
        const refused = fromHolder(spawned);
        if (!refused.ok) this.#reportFailure(sessionId, deliveryId, refused.error);
        return;
      }
    }
    reports.add({
      sessionId,
      source: deliveriesSource,
      position: deliveryId,
      facts: [{ type: 'session.started', data: { generation } }],
    });
  }

  /** Text for a terminal that has ended goes nowhere: the log says that it ended. */
  async write(deliveryId: number, sessionId: string, text: string): Promise<void> {
    const result = await this.#terminals.get(sessionId)?.write(deliveryId, text);
    if (result?.ok === false) this.#options.log.info({ sessionId, error: result.error }, 'text was not written');
  }

  async resize(deliveryId: number, sessionId: string, cols: number, rows: number): Promise<void> {
    const result = await this.#terminals.get(sessionId)?.resize(deliveryId, cols, rows);
    if (result === undefined) return;
    if (!result.ok) this.#options.log.info({ sessionId, error: result.error }, 'a terminal was not resized');
    else if (result.value !== null) this.#options.reports.add(result.value);
  }

  /** Begun, or refused with a reason: reported either way. While another is under way nothing changes. */
  async startRecording({ sessionId, recordingId, ownerId, title }: StartRecording): Promise<void> {
    const { recordings } = this.#options;
    const key = { sessionId, recordingId };
    if (recordings.tell(key)) return;
    const terminal = this.#terminals.get(sessionId);
    const room =
      terminal?.alive === true ? recordings.room(ownerId) : fail('session_ended', 'This terminal has ended.');
    if (!room.ok) {
      recordings.refuse(key, room.error);
      return;
    }
    if (terminal === undefined || terminal.isRecorded) return;
    await terminal.record((screen) => recordings.begin({ ...key, ownerId, title }, screen, terminal.shell));
    recordings.tell(key);
  }

  async stopRecording(sessionId: string): Promise<void> {
    await this.#terminals.get(sessionId)?.stopRecording();
  }

  async screen(sessionId: string): Promise<Result<Pick<Snapshot, 'screen' | 'text'>>> {
    const terminal = this.#terminals.get(sessionId);
    if (terminal === undefined) return fail('not_found', 'this machine has no such terminal');
    const { screen, text } = await terminal.snapshot();
    return ok({ screen, text });
  }

  async view(sessionId: string, scrollback: number): Promise<Result<View>> {
    const terminal = this.#terminals.get(sessionId);
    if (terminal === undefined) return fail('not_found', 'this machine has no such terminal');
    return ok(await terminal.view(scrollback));
  }

  /** Kept output of a terminal, at most 1 MiB. */
  async output(sessionId: string, from: number): Promise<Result<{ offset: number; data: Uint8Array }>> {
    const terminal = this.#terminals.get(sessionId);
    if (terminal === undefined) return fail('not_found', 'this machine has no such terminal');
    return ok(await terminal.outputFrom(from, 1024 * 1024));
  }

  /** False: this session has no terminal here. */
  async abandonSession(sessionId: string): Promise<boolean> {
    const terminal = this.#terminals.get(sessionId);
    if (terminal === undefined) return false;
    this.#abandoned.add(sessionId);
    if (terminal.alive) await terminal.kill();
    else this.#clear(sessionId, terminal);
    return true;
  }

  exited(process: HeldProcess): void {
    if (process.kind !== 'pty') return;
    const terminal = [...this.#terminals.values()].find(({ processId }) => processId === process.id);
    if (terminal === undefined) this.#early.set(process.id, process);
    else terminal.exited(process);
  }

  closeOutputs(): void {
    for (const terminal of this.#terminals.values()) terminal.closeOutput();
  }

  /** Saves checkpoints and leaves; the shells go on. */
  async close(): Promise<void> {
    const closing = [...this.#terminals].map(([sessionId, terminal]) =>
      terminal
        .close()
        .catch((error: unknown) => this.#options.log.warn({ err: error, sessionId }, 'no checkpoint was saved')),
    );
    this.#terminals.clear();
    await Promise.all(closing);
  }

  /** Leaves at once: the holder is gone. */
  abandon(): void {
    for (const terminal of this.#terminals.values()) terminal.abandon();
    this.#terminals.clear();
  }

  async #prepare({ cwd, terminal }: StartTerminal) {
    const { roots, environment } = this.#options;
    const folder = await existingWorkspacePath(roots, cwd);
    if (!folder.ok) return folder;
    const env = shellEnvironment(environment, { ...terminal.env, PWD: folder.value });
    const program = findExecutable(terminal.shell ?? defaultShell(environment), env['PATH'] ?? '');
    if (!program.ok) return program;
    return ok({
      kind: 'pty' as const,
      file: program.value,
      ...integratedStart(program.value, { args: terminal.args ?? [], env }),
      cwd: folder.value,
      cols: terminal.cols ?? defaultSize.cols,
      rows: terminal.rows ?? defaultSize.rows,
    });
  }

  async #attachExisting(processId: string): Promise<void> {
    const list = await this.#options.holder.list();
    const process = list.ok ? list.value.find(({ id }) => id === processId) : undefined;
    if (process === undefined || !(await this.attach(process))) {
      throw new Error(`the holder has a process ${processId} that is no terminal of ours`);
    }
  }

  async #add(process: HeldProcess, meta: TerminalMeta, fresh: boolean): Promise<void> {
    const { sessionId } = meta;
    const { checkpoints, recordings, reports } = this.#options;
    const recorder = fresh ? null : recordings.resume(sessionId, meta.resizes);
    const terminal = new Terminal(this.#options, {
      process,
      meta,
      checkpoint: fresh ? null : await checkpoints.read(process.id),
      recorder,
      onEnded: (report) => {
        if (this.#abandoned.has(sessionId)) this.#clear(sessionId, terminal);
        else reports.add(report, () => this.#clear(sessionId, terminal));
      },
    });
    this.#terminals.set(sessionId, terminal);
    if (!fresh) for (const report of terminal.known()) reports.add(report);
    terminal.start();
    const ended = this.#early.get(process.id);
    this.#early.delete(process.id);
    if (ended !== undefined) terminal.exited(ended);
  }

  /** Nobody needs it any more. */
  #clear(sessionId: string, terminal: Terminal): void {
    const { checkpoints, holder, log } = this.#options;
    if (this.#terminals.get(sessionId) === terminal) this.#terminals.delete(sessionId);
    this.#abandoned.delete(sessionId);
    terminal.abandon();
    Promise.all([holder.forget(terminal.processId), checkpoints.remove(terminal.processId)]).catch((error: unknown) =>
      log.warn({ err: error, processId: terminal.processId }, 'an ended terminal was not cleared away'),
    );
  }

  #reportFailure(sessionId: string, deliveryId: number, error: ErrorBody): void {
    this.#options.reports.add({
      sessionId,
      source: deliveriesSource,
      position: deliveryId,
      facts: [{ type: 'session.failed', data: { error } }],
    });
  }
}
