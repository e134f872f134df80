import { buffersMade } from './buffer-garbage.ts';
import type { Child, ChildEvents, InputVerdict } from './child.ts';
import { whyNotExecutable } from './executable.ts';
import { InputPositions } from './input-positions.ts';
import type { HeldSignal } from './message.ts';
import { failure } from './message.ts';
import { Pacing, pacingWindow } from './pacing.ts';
import { startPipe } from './pipe.ts';
import type { HeldProcess, HolderResult, ProcessSpec, StreamName } from './process.ts';
import { killChild, killLeftovers, markerName } from './process-tree.ts';
import { startPty } from './pty.ts';
import type { Retention } from './retained-stream.ts';
import { RetainedStream } from './retained-stream.ts';
import { segmentSpill } from './segment-spill.ts';

/** A PTY whose readers are further behind is slowed: a pause after each so many bytes. */
const floodLag = 32 * 1024 * 1024;
const floodSlice = 256 * 1024;

/** How many tokens of writes are remembered. */
const rememberedTokens = 4_096;

/** One who reads a stream as it comes. */
export interface Watcher {
  /** What it still needs begins here. */
  readonly cursor: number;
  /** There is more to read, or the stream has ended. */
  wake(): void;
}

export interface HeldOptions {
  readonly id: string;
  readonly spec: ProcessSpec;
  readonly meta: Readonly<Record<string, unknown>>;
  /** "<owner>:<id>" for the child's environment. */
  readonly marker: string;
  readonly retention: Readonly<Record<StreamName, Retention>>;
  /** Where its output may overflow to; made when needed. */
  readonly spillDirectory: string;
  /** Descriptors of ours it must not see, and /dev/null, open, to put in their place. */
  readonly hidden: readonly number[];
  readonly nothing: number;
  readonly spillFailed: (error: unknown) => void;
  readonly exited: () => void;
}

/** A process and what it has said. Owned by the table; ended by its own exit, removed by `dispose`. */
export class Held {
  readonly id: string;
  readonly spec: ProcessSpec;
  readonly #marker: string;
  readonly #startedAt = new Date().toISOString();
  readonly #streams: Readonly<Record<StreamName, RetainedStream>>;
  readonly #watchers: Readonly<Record<StreamName, Set<Watcher>>> = { out: new Set(), err: new Set() };
  readonly #pacing = new Pacing();
  readonly #tokens = new Set<string>();
  readonly #inputs = new InputPositions();
  readonly #exited: () => void;
  readonly #child: Child;
  #flushTimer: NodeJS.Timeout | undefined;
  /** Read from the PTY since it was last paused. */
  #unpaused = 0;
  #meta: Readonly<Record<string, unknown>>;
  #size: { readonly cols: number; readonly rows: number } | null;
  #exit: HeldProcess['exit'] = null;

  /** spawn_failed says why. */
  static start(options: HeldOptions): HolderResult<Held> {
    const why = whyNotExecutable(options.spec);
    if (why !== null) return failure('spawn_failed', why);
    try {
      return { ok: true, value: new Held(options) };
    } catch (error) {
      return failure('spawn_failed', error instanceof Error ? error.message : String(error));
    }
  }

  private constructor(options: HeldOptions) {
    const { id, spec, marker } = options;
    this.id = id;
    this.spec = spec;
    this.#marker = marker;
    this.#meta = options.meta;
    this.#exited = options.exited;
    this.#size = spec.kind === 'pty' ? { cols: spec.cols, rows: spec.rows } : null;
    const openSpill = (): ReturnType<typeof segmentSpill> => segmentSpill(options.spillDirectory, options.spillFailed);
    this.#streams = {
      out: new RetainedStream(options.retention.out, openSpill),
      err: new RetainedStream(options.retention.err, openSpill),
    };
    const env = { ...spec.env, [markerName]: marker };
    const events: ChildEvents = {
      output: (stream, bytes) => this.#output(stream, bytes),
      finished: (stream) => this.#finished(stream),
      exited: (exit) => {
        this.#exit = { ...exit, at: new Date().toISOString() };
        this.#exited();
      },
    };
    const child = spec.kind === 'pty' ? startPty(spec, env, events) : startPipe(spec, env, marker, options, events);
    if (child === null) throw new Error('too many processes or open files');
    this.#child = child;
  }

  get alive(): boolean {
    return this.#exit === null;
  }

  /** A descriptor other children must not see. */
  get descriptor(): number | null {
    return this.#child.descriptor;
  }

  describe(): HeldProcess {
    const range = ({ start, end, ended }: RetainedStream): HeldProcess['streams']['out'] => ({ start, end, ended });
    return {
      id: this.id,
      kind: this.spec.kind,
      pid: this.#child.pid,
      startedAt: this.#startedAt,
      meta: this.#meta,
      size: this.#size,
      exit: this.#exit,
      streams: { out: range(this.#streams.out), err: range(this.#streams.err) },
    };
  }

  write(bytes: Uint8Array, token: string | null): InputVerdict {
    if (token !== null && this.#tokens.has(token)) return 'taken';
    const verdict = this.alive ? this.#child.write(bytes) : 'closed';
    if (verdict === 'taken' && token !== null) this.#remember(token);
    return verdict;
  }

  /** The offset up to which the stream is written; before `offset`: bytes before it are missing, nothing was written. */
  input(stream: string, offset: number, bytes: Uint8Array): number | Exclude<InputVerdict, 'taken'> {
    const written = this.#inputs.of(stream) ?? 0;
    const end = Math.max(written, offset + bytes.length);
    if (offset > written) return written;
    if (end > written) {
      const verdict = this.alive ? this.#child.write(bytes.subarray(written - offset)) : 'closed';
      if (verdict !== 'taken') return verdict;
    }
    this.#inputs.set(stream, end);
    return end;
  }

  closeInput(): void {
    this.#child.closeInput();
  }

  resize(cols: number, rows: number): void {
    if (this.#size === null) return;
    this.#child.resize(cols, rows);
    this.#size = { cols, rows };
  }

  /** SIGKILL to an ended process goes to what it left behind. */
  signal(signal: HeldSignal): void {
    if (signal !== 'SIGKILL') return this.#child.signal(signal);
    const kill = this.#child.reaped ? killLeftovers : killChild;
    kill(this.#child.pid, this.#marker, this.spec.kind === 'pipe');
  }

  setMeta(meta: Readonly<Record<string, unknown>>): void {
    this.#meta = meta;
  }

  stream(name: StreamName): RetainedStream {
    return this.#streams[name];
  }

  watch(name: StreamName, watcher: Watcher): () => void {
    this.#watchers[name].add(watcher);
    return () => void this.#watchers[name].delete(watcher);
  }

  release(name: StreamName, offset: number): void {
    const stream = this.#streams[name];
    const waited = stream.full;
    stream.release(offset);
    if (waited && !stream.full) this.#child.resume();
  }

  dispose(): void {
    clearTimeout(this.#flushTimer);
    this.#streams.out.dispose();
    this.#streams.err.dispose();
  }

  #output(name: StreamName, bytes: Uint8Array): void {
    const stream = this.#streams[name];
    stream.append(bytes);
    buffersMade(bytes.length);
    if (name === 'err') return this.#wake('err');
    if (stream.full) this.#child.pause();
    else if (this.spec.kind === 'pty') this.#slowFlood(bytes.length);
    if (this.#pacing.arrived(performance.now(), bytes.length)) this.#flush();
    else this.#flushTimer ??= setTimeout(() => this.#flush(), pacingWindow);
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    this.#pacing.sent();
    this.#wake('out');
  }

  #finished(name: StreamName): void {
    this.#streams[name].finish();
    if (name === 'out') this.#flush();
    else this.#wake('err');
  }

  #wake(name: StreamName): void {
    for (const watcher of this.#watchers[name]) watcher.wake();
  }

  #slowFlood(size: number): void {
    this.#unpaused += size;
    if (this.#unpaused < floodSlice) return;
    this.#unpaused = 0;
    const { start, end } = this.#streams.out;
    let behind = this.#watchers.out.size === 0 ? start : end;
    for (const { cursor } of this.#watchers.out) behind = Math.min(behind, cursor);
    if (end - behind > floodLag) this.#child.pause();
  }

  #remember(token: string): void {
    this.#tokens.add(token);
    if (this.#tokens.size <= rememberedTokens) return;
    for (const oldest of this.#tokens) {
      this.#tokens.delete(oldest);
      return;
    }
  }
}
