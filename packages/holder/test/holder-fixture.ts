import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { connectHolder } from '../src/client.ts';
import { holderFiles } from '../src/holder-files.ts';
import { ensureHolder } from '../src/launch.ts';
import type {
  ConnectedHolder,
  HeldProcess,
  Holder,
  HolderResult,
  PipeSpec,
  PtySpec,
  StreamName,
} from '../src/process.ts';

export const shellEnvironment = { PATH: '/usr/local/bin:/usr/bin:/bin', TERM: 'xterm-256color' };

export interface TestHolder {
  /** The data directory, resolved. */
  readonly directory: string;
  readonly socketPath: string;
  readonly holder: ConnectedHolder;
  connect(): Promise<ConnectedHolder>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A real holder in a directory of its own; ended with all its processes when disposed. */
export async function startHolder(): Promise<TestHolder> {
  const temporary = temporaryDirectory();
  const directory = join(temporary.path, 'data');
  const holder = value(await ensureHolder({ dataDir: directory }));
  const socketPath = holderFiles(directory).socket;
  return {
    directory,
    socketPath,
    holder,
    connect: async () => value(await connectHolder({ socketPath })),
    [Symbol.asyncDispose]: async () => {
      const last = await connectHolder({ socketPath });
      if (last.ok) {
        value(await last.value.shutdown());
        await eventually('the holder ended', () => !isAlive(last.value.pid));
      }
      temporary[Symbol.dispose]();
    },
  };
}

export function value<T>(result: HolderResult<T>): T {
  if (!result.ok) throw new Error(`${result.error.kind}: ${result.error.message}`);
  return result.value;
}

export function errorKind(result: HolderResult<unknown>): string {
  return result.ok ? 'ok' : result.error.kind;
}

export function shell(script: string, size = { cols: 80, rows: 24 }): PtySpec {
  return { kind: 'pty', file: 'bash', args: ['--norc', '-c', script], cwd: '/', env: shellEnvironment, ...size };
}

/** sh: bash on a socket takes itself for a remote shell and reads its start-up files. */
export function pipe(script: string): PipeSpec {
  return { kind: 'pipe', file: 'sh', args: ['-c', script], cwd: '/', env: shellEnvironment };
}

export interface Collected {
  readonly bytes: () => Buffer;
  readonly text: () => string;
  readonly gaps: { from: number; to: number }[];
  /** Offset of the end, once told. */
  ended: number | null;
  unreadable: string | null;
  close(): void;
}

/** Reads from `from` on and checks that the offsets are contiguous. */
export function collect(holder: Holder, id: string, stream: StreamName = 'out', from = 0): Collected {
  const chunks: Uint8Array[] = [];
  let next = from;
  const reading = holder.read(id, stream, from, {
    data: (offset, bytes) => {
      if (offset !== next) throw new Error(`${id}: ${offset} came after ${next}`);
      next += bytes.length;
      chunks.push(bytes);
    },
    gap: (start, end) => {
      if (start !== next) throw new Error(`${id}: a gap from ${start} after ${next}`);
      next = end;
      collected.gaps.push({ from: start, to: end });
    },
    end: (offset) => (collected.ended = offset),
    unreadable: (message) => (collected.unreadable = message),
  });
  const collected: Collected = {
    bytes: () => Buffer.concat(chunks),
    text: () => Buffer.concat(chunks).toString(),
    gaps: [],
    ended: null,
    unreadable: null,
    close: () => reading.close(),
  };
  return collected;
}

export async function exitOf(holder: Holder, id: string): Promise<NonNullable<HeldProcess['exit']>> {
  return eventually(`${id} ends`, async () => value(await holder.list()).find((process) => process.id === id)?.exit);
}

/** Not a zombie either. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(')')));
  } catch {
    return false;
  }
}

/** Living processes that carry the marker of a child. */
export function marked(id: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => isAlive(pid) && markerOf(pid)?.endsWith(`:${id}`) === true);
}

export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

function markerOf(pid: number): string | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    return environment.find((entry) => entry.startsWith('HOLDFAST_HELD='));
  } catch {
    return undefined;
  }
}
