/**
 * A holder in memory: processes live in it while runners come and go, and die with it. An agent's stream is its lines,
 * each one byte long: an offset is a number of lines.
 */
import type { HeldProcess, Holder, HolderResult, StreamReader } from '@holdfast/holder/process.ts';
import { InputPositions } from '@holdfast/holder/input-positions.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { type Fuse, fused } from './fuse.ts';
import { type AgentInput, SimulatedAgent } from './simulated-agent.ts';

export interface LineReader {
  line(end: number, facts: readonly FactDraft[]): void;
  /** All lines were read and the process has ended. */
  end(end: number): void;
}

class Held {
  readonly id: string;
  readonly kind: 'pty' | 'pipe';
  readonly agent: SimulatedAgent | null;
  meta: Readonly<Record<string, unknown>>;
  exit: HeldProcess['exit'] = null;
  readonly lines: FactDraft[][] = [];
  released = 0;
  /** What was written to a terminal, in order. */
  typed = '';
  readonly tokens = new Set<string>();
  readonly positions = new InputPositions();
  readonly lineReaders = new Set<LineReader>();
  readonly byteReaders = new Set<StreamReader>();

  constructor(id: string, kind: 'pty' | 'pipe', meta: Held['meta'], nextNumber: () => number) {
    this.id = id;
    this.kind = kind;
    this.meta = meta;
    this.agent =
      kind === 'pipe' ? new SimulatedAgent((facts) => this.#say(facts), nextNumber, Number(meta['generation'])) : null;
  }

  described(): HeldProcess {
    const end = this.lines.length;
    const ended = this.exit !== null;
    return {
      id: this.id,
      kind: this.kind,
      pid: 1,
      startedAt: new Date(0).toISOString(),
      meta: this.meta,
      size: this.kind === 'pty' ? { cols: 80, rows: 24 } : null,
      exit: this.exit,
      streams: { out: { start: this.released, end, ended }, err: { start: 0, end: 0, ended } },
    };
  }

  #say(facts: FactDraft[]): void {
    this.lines.push(facts);
    for (const reader of [...this.lineReaders]) reader.line(this.lines.length, facts);
  }
}

/** What stays to be looked at of a process, also after it was forgotten. */
export interface ProcessRecord {
  readonly id: string;
  readonly sessionId: string;
  /** Which of the holders that were there one after the other it lived in. */
  readonly holder: number;
  readonly prompted: readonly string[];
  readonly typed: string;
  readonly alive: boolean;
}

export class SimulatedHolder {
  readonly #all: { readonly held: Held; readonly holder: number }[] = [];
  #crashes = 0;
  readonly #disconnected = new Set<() => void>();
  readonly #exited = new Set<(process: HeldProcess) => void>();
  #processes = new Map<string, Held>();
  #number = 0;

  /** For one runner. onBurnt: that runner is struck down. */
  connect(onBurnt: () => void): { holder: Holder; lines: SimulatedHolder['readLines']; fuse: Fuse } {
    const mine = { disconnected: new Set<() => void>(), exited: new Set<(process: HeldProcess) => void>() };
    const direct = this.#direct(mine);
    const { through, fuse } = fused(direct, ['read', 'onExit', 'onDisconnect', 'close'], onBurnt);
    this.#disconnected.add(() => {
      if (!fuse.burnt) for (const listener of [...mine.disconnected]) listener();
    });
    this.#exited.add((process) => {
      if (!fuse.burnt) for (const listener of [...mine.exited]) listener(process);
    });
    const lines: SimulatedHolder['readLines'] = (id, from, reader) =>
      this.readLines(id, from, {
        line: (end, facts) => !fuse.burnt && reader.line(end, facts),
        end: (end) => !fuse.burnt && reader.end(end),
      });
    return { holder: through, lines, fuse };
  }

  readLines(id: string, from: number, reader: LineReader): () => void {
    const held = this.#processes.get(id);
    if (held === undefined) return () => undefined;
    for (const [index, facts] of held.lines.entries()) if (index >= from) reader.line(index + 1, facts);
    if (held.exit !== null) reader.end(held.lines.length);
    held.lineReaders.add(reader);
    return () => void held.lineReaders.delete(reader);
  }

  /** The agent of this session that lives, if any. */
  agent(sessionId: string): SimulatedAgent | null {
    for (const held of this.#processes.values()) {
      if (held.meta['sessionId'] === sessionId && held.exit === null) return held.agent;
    }
    return null;
  }

  /** A process of this session dies by itself. */
  kill(sessionId: string): void {
    for (const held of this.#processes.values()) {
      if (held.meta['sessionId'] === sessionId) this.#exit(held, 1, null);
    }
  }

  /** All processes die with it; another one is there at once. */
  crash(): void {
    for (const held of this.#processes.values()) held.exit ??= { exitCode: null, signal: 'SIGKILL', at: '' };
    this.#processes = new Map();
    this.#crashes += 1;
    const disconnected = [...this.#disconnected];
    this.#disconnected.clear();
    this.#exited.clear();
    for (const tell of disconnected) tell();
  }

  records(): ProcessRecord[] {
    return this.#all.map(({ held, holder }) => ({
      holder,
      id: held.id,
      sessionId: String(held.meta['sessionId']),
      prompted: held.agent?.prompted ?? [],
      typed: held.typed,
      alive: held.exit === null,
    }));
  }

  #exit(held: Held, exitCode: number | null, signal: string | null): void {
    if (held.exit !== null) return;
    held.exit = { exitCode, signal, at: new Date(0).toISOString() };
    for (const reader of [...held.lineReaders]) reader.end(held.lines.length);
    for (const reader of [...held.byteReaders]) reader.end(0);
    for (const tell of [...this.#exited]) tell(held.described());
  }

  #direct(mine: { disconnected: Set<() => void>; exited: Set<(process: HeldProcess) => void> }): Holder {
    const processes = this.#processes;
    const on = async <T>(id: string, act: (held: Held) => T): Promise<HolderResult<T>> => {
      if (processes !== this.#processes) return refused('disconnected');
      const held = processes.get(id);
      return held === undefined ? refused('not_found') : { ok: true, value: act(held) };
    };
    return {
      maximumWriteBytes: 1024 * 1024,
      list: async () =>
        processes === this.#processes
          ? { ok: true, value: [...processes.values()].map((held) => held.described()) }
          : refused('disconnected'),
      spawn: async (id, spec, meta) => {
        if (processes !== this.#processes) return refused('disconnected');
        if (processes.has(id)) return refused('exists');
        const held = new Held(id, spec.kind, meta, () => (this.#number += 1));
        processes.set(id, held);
        this.#all.push({ held, holder: this.#crashes });
        return { ok: true, value: held.described() };
      },
      write: async (id, bytes, token) => {
        const written = await on(id, (held) => {
          if (held.exit !== null) return false;
          if (token !== undefined && held.tokens.has(token)) return true;
          if (token !== undefined) held.tokens.add(token);
          const text = new TextDecoder().decode(bytes);
          if (held.agent === null) held.typed += text;
          else held.agent.take(JSON.parse(text) as AgentInput);
          return true;
        });
        if (!written.ok) return written;
        return written.value ? { ok: true, value: null } : refused('exited');
      },
      input: async (id, stream, offset, bytes) => {
        const written = await on(id, (held) => {
          if (held.exit !== null) return null;
          const known = held.positions.of(stream) ?? 0;
          if (offset > known) return known;
          held.typed += new TextDecoder().decode(bytes.subarray(known - offset));
          const end = Math.max(known, offset + bytes.byteLength);
          held.positions.set(stream, end);
          return end;
        });
        if (!written.ok) return written;
        return written.value === null ? refused('exited') : { ok: true, value: written.value };
      },
      signal: (id, signal) =>
        on(id, (held) => {
          this.#exit(held, null, signal);
          return null;
        }),
      setMeta: (id, meta) =>
        on(id, (held) => {
          held.meta = structuredClone(meta);
          return null;
        }),
      release: (id, _stream, offset) =>
        on(id, (held) => {
          held.released = Math.max(held.released, offset);
          return null;
        }),
      forget: (id) =>
        on(id, (held) => {
          if (held.exit !== null) processes.delete(id);
          return null;
        }),
      closeInput: (id) => on(id, () => null),
      resize: (id) => on(id, () => null),
      read: (id, _stream, _from, reader) => {
        const held = processes.get(id);
        held?.byteReaders.add(reader);
        if (held?.exit != null) queueMicrotask(() => reader.end(0));
        return { close: () => held?.byteReaders.delete(reader) };
      },
      onExit: (listener) => {
        mine.exited.add(listener);
        return () => mine.exited.delete(listener);
      },
      onDisconnect: (listener) => {
        mine.disconnected.add(listener);
        return () => mine.disconnected.delete(listener);
      },
      shutdown: async () => ({ ok: true, value: null }),
      close: () => undefined,
    };
  }
}

const refused = (kind: 'disconnected' | 'not_found' | 'exists' | 'exited') =>
  ({ ok: false, error: { kind, message: kind } }) as const;
