/**
 * One PTY of the holder, seen from the runner: its output goes to the server, its input comes from there, its screen
 * is known. Dropping it harms nothing: the shell lives in the holder.
 */
import type { Logger } from 'pino';
import type { HeldProcess, Holder, Reading } from '@holdfast/holder/process.ts';
import { ByteRing } from '@holdfast/core/stream/byte-ring.ts';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { Report } from '@holdfast/protocol/runner.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import { fromHolder } from '../holder-error.ts';
import { deliveriesSource, outputSource } from '../reports.ts';
import type { Recorder } from '../recordings/recorder.ts';
import type { CheckpointFiles } from './checkpoint-files.ts';
import { LazyScreen } from './lazy-screen.ts';
import type { View } from './lazy-screen.ts';
import { OutputFeed } from './output-feed.ts';
import type { OutputSink } from './output-feed.ts';
import type { Snapshot } from './screen-model.ts';
import type { ScreenModels } from './screen-models.ts';
import { resizeLimit } from './terminal-meta.ts';
import type { TerminalMeta } from './terminal-meta.ts';

export interface TerminalServices {
  readonly holder: Holder;
  readonly models: ScreenModels;
  readonly checkpoints: CheckpointFiles;
  /** Milliseconds a stopped shell has after SIGHUP, and again after SIGTERM. */
  readonly stopPatience: number;
  readonly log: Logger;
}

export interface TerminalOptions {
  readonly process: HeldProcess;
  readonly meta: TerminalMeta;
  readonly checkpoint: Screen | null;
  /** That an earlier runner began and that is under way. */
  readonly recorder: Recorder | null;
  /** All is read, the process has ended: its last report. */
  readonly onEnded: (report: Report) => void;
}

/** Raw output kept for a server that comes back, and for the screen's parser. Bytes. */
const ringLimit = 1024 * 1024;

export class Terminal {
  readonly processId: string;
  readonly #services: TerminalServices;
  readonly #options: TerminalOptions;
  readonly #ring: ByteRing;
  readonly #output: OutputFeed;
  readonly #screen: LazyScreen;
  #meta: TerminalMeta;
  #reading: Reading | null = null;
  #exit: HeldProcess['exit'];
  /** Output that was there when we came; resolved when it is read. Until then the screen is an old one. */
  readonly #caughtUp = Promise.withResolvers<void>();
  readonly #known: number;
  /** Asked to open the output before that. */
  #toOpen: { from: number | null; sink: OutputSink } | null = null;
  /** All output has been read. */
  #read = false;
  #finished = false;
  #stopTimer: NodeJS.Timeout | null = null;
  #recorder: Recorder | null;
  /** A recording begins: nothing more is read until it has the screen it begins with. */
  #recording: Promise<void> | null = null;
  #closed = false;

  constructor(services: TerminalServices, options: TerminalOptions) {
    const { process, meta, checkpoint } = options;
    const { holder, models, checkpoints, log } = services;
    this.processId = process.id;
    this.#services = services;
    this.#options = options;
    this.#meta = meta;
    this.#exit = process.exit;
    this.#recorder = options.recorder;
    this.#known = process.streams.out.end;
    const base = checkpoint ?? { offset: process.streams.out.start, cols: meta.cols, rows: meta.rows, ansi: '' };
    const { skip } = meta;
    const from = skip?.base === base.offset ? Math.max(skip.to, base.offset) : base.offset;
    this.#ring = new ByteRing(ringLimit, from);
    this.#output = new OutputFeed(this.#ring, () => performance.now());
    this.#screen = new LazyScreen({
      ring: this.#ring,
      base,
      from,
      resizes: meta.resizes.filter(({ offset }) => offset >= base.offset),
      models,
      saveCheckpoint: async (screen) => {
        // What the holder lets go of is in the recording.
        await this.#recorder?.flush();
        if (this.#closed) return;
        await checkpoints.write(process.id, screen);
        const released = await holder.release(process.id, 'out', screen.offset);
        if (!released.ok) log.debug({ processId: process.id, error: released.error }, 'output was not released');
      },
      saveSkip: (skipBase, to) => {
        if (this.#closed) return;
        // In this order on one connection: a new runner finds where to go on whenever the output is gone.
        const save = () =>
          Promise.all([this.#keep({ skip: { base: skipBase, to } }), holder.release(process.id, 'out', to)]);
        (this.#recorder === null ? save() : this.#recorder.flush().then(save)).catch((error: unknown) =>
          log.debug({ err: error }, 'output was not released'),
        );
      },
      log,
    });
  }

  get alive(): boolean {
    return this.#exit === null;
  }

  get generation(): number {
    return this.#meta.generation;
  }

  /** Begins to read. What happened before is reported by `known`. */
  start(): void {
    const { holder } = this.#services;
    this.#reading = holder.read(this.processId, 'out', this.#ring.end, {
      data: (offset, bytes) => {
        this.#ring.append(bytes);
        // The server first: a key's echo does not wait for the parser.
        this.#output.appended(offset, bytes);
        this.#noticeCaughtUp();
        return this.#ready(this.#screen.grown(bytes), this.#recorder?.append(offset, bytes));
      },
      gap: (from, to) => {
        this.#services.log.warn({ processId: this.processId, from, to }, 'output of a terminal is no longer kept');
        this.#ring.restart(to);
        this.#screen.reset(to);
        this.#output.broken();
        this.#noticeCaughtUp();
      },
      end: () => {
        this.#read = true;
        this.#caughtUp.resolve();
        this.#finishIfEnded();
      },
    });
    this.#noticeCaughtUp();
    if (this.#meta.stopping) this.#escalate(0);
  }

  /** The facts the holder can vouch for; the server knows most of them and drops those. */
  known(): Report[] {
    const { sessionId, generation, deliveryId, lastResize } = this.#meta;
    const reports: Report[] = [
      {
        sessionId,
        source: deliveriesSource,
        position: deliveryId,
        facts: [{ type: 'session.started', data: { generation } }],
      },
    ];
    if (lastResize !== undefined) reports.push(this.#resizeReport(lastResize));
    return reports;
  }

  /** The holder says that it has ended. */
  exited(process: HeldProcess): void {
    this.#exit = process.exit;
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer);
    this.#finishIfEnded();
  }

  openOutput(from: number | null, sink: OutputSink): void {
    if (this.#ring.end < this.#known) this.#toOpen = { from, sink };
    else this.#output.open(from, sink);
  }

  closeOutput(): void {
    this.#toOpen = null;
    this.#output.close();
  }

  outputTaken(offset: number): void {
    this.#output.taken(offset);
  }

  /**
   * Keystrokes, once and in order: the holder knows how far each client's stream is. Resolves with the offset up to
   * which it has been written. conflict: bytes before `offset` are missing (details.accepted: where to go on from);
   * rate_limited: too much waits for the program to read it. With the holder before this returns.
   */
  async input(inputId: string, offset: number, data: Uint8Array): Promise<Result<number>> {
    const written = fromHolder(await this.#services.holder.input(this.processId, inputId, offset, data));
    if (!written.ok || written.value >= offset) return written;
    return fail('conflict', 'input before this is missing', { details: { accepted: written.value } });
  }

  /** A whole text, once per delivery. */
  async write(deliveryId: number, text: string): Promise<Result<null>> {
    const { holder } = this.#services;
    return fromHolder(await holder.write(this.processId, Buffer.from(text), `delivery:${deliveryId}`));
  }

  /** The report that it has the new size; null when that is known already. */
  async resize(deliveryId: number, cols: number, rows: number): Promise<Result<Report | null>> {
    if (deliveryId <= (this.#meta.lastResize?.deliveryId ?? 0)) return ok(null);
    const lastResize = { deliveryId, cols, rows };
    this.#screen.resized(cols, rows);
    this.#recorder?.resized(cols, rows);
    // In the holder first, so that a new runner parses the same bytes at the same size.
    const kept = this.#keep({ lastResize, resizes: this.#screen.resizes.slice(-resizeLimit) });
    const resized = this.#services.holder.resize(this.processId, cols, rows);
    await kept;
    const result = fromHolder(await resized);
    return result.ok ? ok(this.#resizeReport(lastResize)) : result;
  }

  /** Asks it to end; by force when it does not. Resolves when it has been asked. */
  async stop(): Promise<void> {
    if (!this.alive) return;
    await this.#keep({ stopping: true });
    this.#escalate(0);
  }

  async snapshot(): Promise<Snapshot> {
    await this.#caughtUp.promise;
    return this.#screen.snapshot();
  }

  async view(scrollback: number): Promise<View> {
    await this.#caughtUp.promise;
    return this.#screen.view(scrollback);
  }

  /** A copy of at most `limit` bytes of output from `from` on, or from the oldest kept after it. */
  async outputFrom(from: number, limit: number): Promise<{ offset: number; data: Uint8Array }> {
    await this.#caughtUp.promise;
    const offset = Math.min(Math.max(from, this.#ring.start), this.#ring.end);
    return { offset, data: this.#ring.copy(offset, limit) };
  }

  get shell(): string | undefined {
    return this.#meta.shell;
  }

  get isRecorded(): boolean {
    return this.#recorder?.isUnderWay ?? false;
  }

  /** From the screen as it is. Resolves when its beginning is on disk, or could not be written. */
  async record(begin: (screen: Screen) => Recorder): Promise<void> {
    await this.#caughtUp.promise;
    const begun = this.#record(begin);
    this.#recording = begun.then(
      () => undefined,
      () => undefined,
    );
    try {
      await begun;
    } finally {
      this.#recording = null;
    }
    await this.#recorder?.flush();
  }

  async #record(begin: (screen: Screen) => Recorder): Promise<void> {
    const { screen } = await this.#screen.view(0);
    if (this.#closed) return;
    this.#recorder = begin(screen);
    // Behind the screen, or what a parser does not show yet.
    const length = this.#ring.end - screen.offset;
    if (length > 0) void this.#recorder.append(screen.offset, this.#ring.copy(screen.offset, length));
    const { cols, rows } = this.#screen.size;
    this.#recorder.resized(cols, rows);
  }

  async stopRecording(): Promise<void> {
    await this.#recorder?.end('stopped');
  }

  /** Ends it now; nobody is told. */
  async kill(): Promise<void> {
    if (this.alive) await this.#services.holder.signal(this.processId, 'SIGKILL');
  }

  /** Saves where it stands and leaves. The process goes on. */
  async close(): Promise<void> {
    this.#reading?.close();
    try {
      await this.#screen.checkpoint();
      await this.#recorder?.flush();
    } finally {
      this.abandon();
    }
  }

  /** Leaves at once. */
  abandon(): void {
    this.#closed = true;
    this.#recorder?.abandon();
    this.#toOpen = null;
    this.#caughtUp.resolve();
    this.#reading?.close();
    this.#output.close();
    this.#screen.close();
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer);
  }

  /** Whatever wants the next bytes to wait. */
  #ready(...waits: (Promise<void> | undefined)[]): Promise<void> | undefined {
    const waited = [...waits, this.#recording].filter((wait) => wait !== undefined && wait !== null);
    return waited.length === 0 ? undefined : Promise.all(waited).then(() => undefined);
  }

  #noticeCaughtUp(): void {
    if (this.#ring.end < this.#known) return;
    this.#caughtUp.resolve();
    const waiting = this.#toOpen;
    this.#toOpen = null;
    if (waiting !== null) this.#output.open(waiting.from, waiting.sink);
  }

  #resizeReport({ deliveryId, cols, rows }: NonNullable<TerminalMeta['lastResize']>): Report {
    return {
      sessionId: this.#meta.sessionId,
      source: deliveriesSource,
      position: deliveryId,
      facts: [{ type: 'terminal.resized', data: { cols, rows } }],
    };
  }

  async #keep(change: Partial<TerminalMeta>): Promise<void> {
    this.#meta = { ...this.#meta, ...change };
    const kept = await this.#services.holder.setMeta(this.processId, this.#meta);
    if (!kept.ok) this.#services.log.debug({ processId: this.processId, error: kept.error }, 'notes were not kept');
  }

  #escalate(step: number): void {
    const signal = (['SIGHUP', 'SIGTERM', 'SIGKILL'] as const)[step];
    if (signal === undefined || this.#closed || !this.alive) return;
    const { holder, stopPatience, log } = this.#services;
    void holder.signal(this.processId, signal).catch((error: unknown) => {
      log.warn({ err: error, processId: this.processId, signal }, 'a terminal could not be signalled');
    });
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer);
    this.#stopTimer = setTimeout(() => this.#escalate(step + 1), stopPatience);
  }

  #finishIfEnded(): void {
    if (this.#exit === null || !this.#read || this.#closed || this.#finished) return;
    this.#finished = true;
    const { exitCode, signal } = this.#exit;
    const { sessionId, stopping } = this.#meta;
    const report: Report = {
      sessionId,
      source: outputSource(this.processId),
      position: this.#ring.end + 1,
      facts: [
        { type: 'terminal.exited', data: { exitCode, signal } },
        { type: 'session.ended', data: { reason: stopping ? 'stopped' : 'exited' } },
      ],
    };
    // In the log before the end of its session.
    const recorded = this.#recorder?.end('exited') ?? Promise.resolve();
    recorded
      .then(() => this.snapshot())
      .then(
        ({ screen, text }) => this.#options.onEnded({ ...report, screen: { ...screen, text } }),
        (error: unknown) => {
          this.#services.log.error({ err: error, processId: this.processId }, 'the last screen could not be parsed');
          this.#options.onEnded(report);
        },
      )
      .catch((error: unknown) => this.#services.log.error({ err: error }, 'an end could not be reported'));
  }
}
