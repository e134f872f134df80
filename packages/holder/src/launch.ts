import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { extname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectHolder } from './client.ts';
import { exitCodes, holderFiles, maximumSocketPath } from './holder-files.ts';
import { failure } from './message.ts';
import type { ConnectedHolder, HolderResult } from './process.ts';

/** Milliseconds for a new holder to end orphans and listen. */
const startTimeout = 15_000;

/** All that the holder takes from the environment it is started in. Its children get none of it. */
const keptVariables = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];

export interface LaunchOptions {
  /** Made if missing. */
  readonly dataDir: string;
  /** The Node to run a new holder with; default: this one. At least 24: older ones lose the end of a PTY's output. */
  readonly nodePath?: string;
  /** One line for people. */
  readonly log?: (line: string) => void;
}

/**
 * Connects to the holder of a data directory, starting it if none runs. The new one is in a session of its own and
 * outlives us however we end (under systemd it must also leave our unit: docs say how). Started by several at once,
 * one starts and all connect to it. It cannot be started or reached: `disconnected` with the reason.
 */
export async function ensureHolder({ dataDir, nodePath, log }: LaunchOptions): Promise<HolderResult<ConnectedHolder>> {
  const prepared = prepare(dataDir);
  if (!prepared.ok) return prepared;
  const directory = prepared.value;
  const { socket } = holderFiles(directory);
  const running = await connectHolder({ socketPath: socket });
  // Connected, or one that is there and refuses us.
  if (running.ok || running.error.kind !== 'disconnected') return running;

  log?.(`starting the holder for ${directory}`);
  let start = startDetached(directory, nodePath ?? process.execPath);
  const limit = performance.now() + startTimeout;
  while (performance.now() < limit) {
    const connected = await connectHolder({ socketPath: socket });
    if (connected.ok || connected.error.kind !== 'disconnected') {
      if (!connected.ok || connected.value.pid !== start.pid) start.cancel();
      return connected;
    }
    const { outcome } = start;
    if (outcome?.kind === 'failed') return failure('disconnected', `the holder cannot start: ${outcome.why}`);
    // Another had the lock: it is about to listen, or about to end and leave the place to ours.
    if (outcome?.kind === 'locked') start = startDetached(directory, nodePath ?? process.execPath);
    await delay(outcome === null ? 20 : 200);
  }
  start.cancel();
  return failure('disconnected', `no holder within ${startTimeout / 1000} s; see ${holderFiles(directory).log}`);
}

/** @returns the directory's resolved path. */
function prepare(dataDir: string): HolderResult<string> {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const directory = realpathSync(dataDir);
    const { socket } = holderFiles(directory);
    if (Buffer.byteLength(socket) <= maximumSocketPath) return { ok: true, value: directory };
    return failure('bad_request', `${socket} is too long for a socket: at most ${maximumSocketPath} bytes`);
  } catch (error) {
    return failure('bad_request', `cannot use ${dataDir}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Start {
  readonly pid: number | undefined;
  /** null: it runs. */
  outcome: { readonly kind: 'locked' } | { readonly kind: 'failed'; readonly why: string } | null;
  /** Another is the holder. One still on its way to the lock would find it free when that one is ended. */
  cancel(): void;
}

function startDetached(directory: string, nodePath: string): Start {
  const { log } = holderFiles(directory);
  const output = openSync(log, 'a', 0o600);
  const main = fileURLToPath(new URL(`./main${extname(import.meta.url)}`, import.meta.url));
  const child = spawn(nodePath, [main, directory], {
    cwd: directory,
    detached: true,
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => keptVariables.includes(name))),
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  child.unref();
  const start: Start = { pid: child.pid, outcome: null, cancel: () => void child.kill('SIGKILL') };
  child.on('error', (error) => (start.outcome = { kind: 'failed', why: error.message }));
  child.on('exit', (code, signal) => {
    if (code === exitCodes.alreadyRunning) start.outcome = { kind: 'locked' };
    else start.outcome = { kind: 'failed', why: `it ended with ${signal ?? `code ${code}`}: ${lastLines(log)}` };
  });
  return start;
}

function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-3).join(' | ');
  } catch {
    return 'it left no log';
  }
}
