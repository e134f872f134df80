/** A holder in memory: real children, or processes whose output the test writes. Keeps everything until released. */
import { type ChildProcess, spawn } from 'node:child_process';
import type {
  HeldProcess,
  Holder,
  HolderErrorKind,
  HolderResult,
  ProcessSpec,
  Reading,
  StreamName,
  StreamReader,
} from '@holdfast/holder/process.ts';

class FakeStream {
  start = 0;
  bytes = Buffer.alloc(0);
  ended = false;
  readonly #wakers = new Set<() => void>();

  get end(): number {
    return this.start + this.bytes.length;
  }

  push(bytes: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, bytes]);
    this.wake();
  }

  wake(): void {
    for (const waker of this.#wakers) waker();
  }

  release(offset: number): void {
    const upTo = Math.min(offset, this.end);
    if (upTo <= this.start) return;
    this.bytes = this.bytes.subarray(upTo - this.start);
    this.start = upTo;
  }

  read(from: number, reader: StreamReader): Reading {
    let next = from;
    let closed = false;
    let busy = false;
    const go = (): void =>
      void turn().catch((error: unknown) =>
        setImmediate(() => {
          throw error;
        }),
      );
    const turn = async (): Promise<void> => {
      if (busy) return;
      busy = true;
      await Promise.resolve();
      while (!closed && next < this.end) {
        if (next < this.start) {
          reader.gap(next, this.start);
          next = this.start;
        }
        const bytes = Uint8Array.from(this.bytes.subarray(next - this.start, next - this.start + 65_536));
        const at = next;
        next += bytes.length;
        await reader.data(at, bytes);
      }
      busy = false;
      if (!closed && this.ended && next >= this.end) {
        closed = true;
        reader.end(next);
      }
    };
    this.#wakers.add(go);
    go();
    return {
      close: () => {
        closed = true;
        this.#wakers.delete(go);
      },
    };
  }
}

interface Entry {
  readonly id: string;
  readonly startedAt: string;
  readonly child: ChildProcess | null;
  meta: Readonly<Record<string, unknown>>;
  exit: HeldProcess['exit'];
  readonly out: FakeStream;
  readonly err: FakeStream;
  readonly tokens: Set<string>;
  /** What was written to its stdin, a line each. */
  readonly written: string[];
}

const failed = (kind: HolderErrorKind, message: string): HolderResult<never> => ({
  ok: false,
  error: { kind, message },
});
const done: HolderResult<null> = { ok: true, value: null };

export class FakeHolder implements Holder {
  readonly maximumWriteBytes = 6 * 1024 * 1024;
  readonly #entries = new Map<string, Entry>();
  readonly #exitListeners = new Set<(process: HeldProcess) => void>();
  /** Called for each line written to a scripted process. */
  onWrite: (line: string) => void = () => undefined;

  /** A process without a child: the test says what it writes. */
  scripted(id: string, meta: Readonly<Record<string, unknown>>): void {
    this.#entries.set(id, this.#entry(id, meta, null));
  }

  push(id: string, text: string): void {
    this.#known(id).out.push(Buffer.from(text));
  }

  end(id: string, exitCode: number | null, signal: string | null): void {
    this.#ended(this.#known(id), exitCode, signal);
  }

  /** Every line written, in order. */
  written(id: string): readonly string[] {
    return this.#known(id).written;
  }

  process(id: string): HeldProcess {
    return heldProcess(this.#known(id));
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  async list(): Promise<HolderResult<HeldProcess[]>> {
    return { ok: true, value: [...this.#entries.values()].map(heldProcess) };
  }

  async spawn(
    id: string,
    spec: ProcessSpec,
    meta: Readonly<Record<string, unknown>>,
  ): Promise<HolderResult<HeldProcess>> {
    if (this.#entries.has(id)) return failed('exists', id);
    const child = spawn(spec.file, [...spec.args], { cwd: spec.cwd, env: spec.env, stdio: 'pipe', detached: true });
    const started = await new Promise<Error | null>((resolve) => {
      child.once('spawn', () => resolve(null));
      child.once('error', resolve);
    });
    if (started !== null) return failed('spawn_failed', started.message);
    const entry = this.#entry(id, meta, child);
    this.#entries.set(id, entry);
    child.stdout.on('data', (bytes: Buffer) => entry.out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => entry.err.push(bytes));
    child.stdin.on('error', () => undefined);
    child.on('close', (exitCode, signal) => this.#ended(entry, exitCode, signal));
    return { ok: true, value: heldProcess(entry) };
  }

  async write(id: string, bytes: Uint8Array, token?: string): Promise<HolderResult<null>> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return failed('not_found', id);
    if (entry.exit !== null) return failed('exited', id);
    if (token !== undefined && entry.tokens.has(token)) return done;
    if (token !== undefined) entry.tokens.add(token);
    const line = Buffer.from(bytes).toString();
    entry.written.push(line.trimEnd());
    if (entry.child === null) this.onWrite(line.trimEnd());
    else entry.child.stdin?.write(bytes);
    return done;
  }

  async input(): Promise<HolderResult<number>> {
    return failed('bad_request', 'only terminals have input streams');
  }

  async closeInput(id: string): Promise<HolderResult<null>> {
    this.#known(id).child?.stdin?.end();
    return done;
  }

  async resize(): Promise<HolderResult<null>> {
    return done;
  }

  async signal(id: string, signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' | 'SIGHUP'): Promise<HolderResult<null>> {
    const entry = this.#known(id);
    if (entry.child === null && signal === 'SIGKILL') this.#ended(entry, null, signal);
    const { pid } = entry.child ?? {};
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch {
      return failed('exited', id);
    }
    return done;
  }

  async setMeta(id: string, meta: Readonly<Record<string, unknown>>): Promise<HolderResult<null>> {
    const json = JSON.stringify(meta);
    if (json.length > 64 * 1024) return failed('too_large', 'meta');
    this.#known(id).meta = JSON.parse(json) as Record<string, unknown>;
    return done;
  }

  read(id: string, stream: StreamName, from: number, reader: StreamReader): Reading {
    return this.#known(id)[stream].read(from, reader);
  }

  async release(id: string, stream: StreamName, offset: number): Promise<HolderResult<null>> {
    this.#known(id)[stream].release(offset);
    return done;
  }

  async forget(id: string): Promise<HolderResult<null>> {
    this.#entries.delete(id);
    return done;
  }

  onExit(listener: (process: HeldProcess) => void): () => void {
    this.#exitListeners.add(listener);
    return () => this.#exitListeners.delete(listener);
  }

  onDisconnect(): () => void {
    return () => undefined;
  }

  async shutdown(): Promise<HolderResult<null>> {
    for (const { child, exit } of this.#entries.values()) if (exit === null) child?.kill('SIGKILL');
    return done;
  }

  close(): void {
    this.#exitListeners.clear();
  }

  #entry(id: string, meta: Readonly<Record<string, unknown>>, child: ChildProcess | null): Entry {
    return {
      id,
      startedAt: '2026-01-01T00:00:00.000Z',
      child,
      meta,
      exit: null,
      out: new FakeStream(),
      err: new FakeStream(),
      tokens: new Set(),
      written: [],
    };
  }

  #known(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`no process ${id}`);
    return entry;
  }

  #ended(entry: Entry, exitCode: number | null, signal: string | null): void {
    entry.exit = { exitCode, signal, at: '2026-01-01T00:00:01.000Z' };
    for (const stream of [entry.out, entry.err]) {
      stream.ended = true;
      stream.wake();
    }
    for (const listener of this.#exitListeners) listener(heldProcess(entry));
  }
}

function heldProcess(entry: Entry): HeldProcess {
  const range = ({ start, end, ended }: FakeStream) => ({ start, end, ended });
  return {
    id: entry.id,
    kind: 'pipe',
    pid: entry.child?.pid ?? 0,
    startedAt: entry.startedAt,
    meta: entry.meta,
    size: null,
    exit: entry.exit,
    streams: { out: range(entry.out), err: range(entry.err) },
  };
}
