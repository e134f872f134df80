import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Held } from './held-process.ts';
import type { Request } from './message.ts';
import { failure } from './message.ts';
import type { HeldProcess, HolderResult } from './process.ts';
import type { Log } from './log.ts';
import type { Retention } from './retained-stream.ts';
import { endOrphans, markerOwner } from './process-tree.ts';

const mebibyte = 1024 * 1024;
/** What is kept of a child's output until it is released. What an agent said (pipe) is never dropped: it waits. */
const outRetention: Readonly<Record<HeldProcess['kind'], Retention>> = {
  pty: { memoryBytes: mebibyte, diskBytes: 64 * mebibyte, whenFull: 'drop' },
  pipe: { memoryBytes: mebibyte, diskBytes: 256 * mebibyte, whenFull: 'wait' },
};
const errRetention: Retention = { memoryBytes: 64 * 1024, diskBytes: 0, whenFull: 'drop' };

/** How long processes have to end by themselves when the holder ends, milliseconds. */
const graceOfEnd = 2_000;

type Answer = HolderResult<HeldProcess | null>;
/** What concerns one process and is answered at once. */
type ProcessRequest = Extract<
  Request,
  { type: 'spawn' | 'closeInput' | 'resize' | 'signal' | 'setMeta' | 'release' | 'forget' }
>;

const done: Answer = { ok: true, value: null };

/** All processes of this holder. */
export class ProcessTable {
  readonly #held = new Map<string, Held>();
  readonly #exitListeners = new Set<(process: HeldProcess) => void>();
  readonly #directory: string;
  readonly #owner: string;
  readonly #log: Log;
  #ending = false;
  readonly #nothing = openSync('/dev/null', 'r+');

  /** `dataDirectory`: resolved; its "held" folder is this table's, and is emptied. */
  constructor(dataDirectory: string, log: Log) {
    this.#directory = join(dataDirectory, 'held');
    this.#owner = markerOwner(dataDirectory);
    this.#log = log;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get(id: string): Held | undefined {
    return this.#held.get(id);
  }

  list(): HeldProcess[] {
    return [...this.#held.values()].map((held) => held.describe());
  }

  onExit(listener: (process: HeldProcess) => void): () => void {
    this.#exitListeners.add(listener);
    return () => void this.#exitListeners.delete(listener);
  }

  perform(request: ProcessRequest): Answer {
    if (request.type === 'spawn') return this.#spawn(request);
    const held = this.#held.get(request.id);
    if (held === undefined) return failure('not_found', `no process ${request.id}`);
    switch (request.type) {
      case 'setMeta':
        held.setMeta(request.meta);
        return done;
      case 'release':
        held.release(request.stream, request.offset);
        return done;
      case 'forget':
        return this.#forget(held);
      case 'signal':
        if (!held.alive && request.signal !== 'SIGKILL') return exited(held);
        held.signal(request.signal);
        return done;
      case 'resize':
        if (!held.alive) return exited(held);
        if (held.spec.kind === 'pipe') return failure('bad_request', `${held.id} has no terminal`);
        held.resize(request.cols, request.rows);
        return done;
      case 'closeInput':
        if (!held.alive) return exited(held);
        held.closeInput();
        return done;
    }
  }

  write(id: string, bytes: Uint8Array, token: string | null): Answer {
    const held = this.#held.get(id);
    if (held === undefined) return failure('not_found', `no process ${id}`);
    const verdict = held.write(bytes, token);
    if (verdict === 'taken') return done;
    return verdict === 'full' ? full(held) : closed(held);
  }

  /** The offset up to which the stream is written; before `offset`: bytes before it are missing, nothing was written. */
  input(id: string, stream: string, offset: number, bytes: Uint8Array): HolderResult<number> {
    const held = this.#held.get(id);
    if (held === undefined) return failure('not_found', `no process ${id}`);
    const written = held.input(stream, offset, bytes);
    if (typeof written === 'number') return { ok: true, value: written };
    return written === 'full' ? full(held) : closed(held);
  }

  /** Asks every process to end, then makes it. The table is empty and of no more use afterwards. */
  async end(): Promise<void> {
    this.#ending = true;
    const living = (): Held[] => [...this.#held.values()].filter((held) => held.alive);
    for (const held of living()) {
      held.signal('SIGHUP');
      held.signal('SIGTERM');
    }
    const limit = performance.now() + graceOfEnd;
    while (living().length > 0 && performance.now() < limit) await delay(20);
    for (const held of living()) held.signal('SIGKILL');
    await endOrphans(this.#owner);
    for (const held of this.#held.values()) held.dispose();
    this.#held.clear();
    closeSync(this.#nothing);
  }

  #spawn({ id, spec, meta }: Extract<Request, { type: 'spawn' }>): Answer {
    if (this.#ending) return failure('spawn_failed', 'the holder is ending');
    if (this.#held.has(id)) return failure('exists', `there is a process ${id}`);
    const descriptors = [...this.#held.values()].map((held) => held.descriptor);
    const started = Held.start({
      id,
      spec,
      meta,
      marker: `${this.#owner}:${id}`,
      retention: { out: outRetention[spec.kind], err: errRetention },
      spillDirectory: join(this.#directory, id),
      hidden: descriptors.filter((descriptor) => descriptor !== null),
      nothing: this.#nothing,
      spillFailed: (error) => this.#log(`no room on disk for the output of ${id}: ${String(error)}`),
      exited: () => {
        const held = this.#held.get(id);
        if (held === undefined) return;
        const process = held.describe();
        for (const listener of this.#exitListeners) listener(process);
      },
    });
    if (!started.ok) return started;
    this.#held.set(id, started.value);
    return { ok: true, value: started.value.describe() };
  }

  #forget(held: Held): Answer {
    if (held.alive) return failure('bad_request', `${held.id} is alive`);
    held.dispose();
    this.#held.delete(held.id);
    return done;
  }
}

type Failure = ReturnType<typeof failure>;

function full(held: Held): Failure {
  return failure('too_large', `${held.id} has too much input it did not read`);
}

function closed(held: Held): Failure {
  return held.alive ? failure('exited', `the input of ${held.id} is closed`) : exited(held);
}

function exited(held: Held): Failure {
  return failure('exited', `${held.id} has ended`);
}
