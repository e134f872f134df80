import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Child, ChildEvents, ChildExit } from './child.ts';
import { inputQueueBytes, Linger } from './child.ts';
import type { Leftover, PipeSpec } from './process.ts';
import { endLeftovers, signalGroup } from './process-tree.ts';

/** How long what an agent left running has to end when asked, ms. */
const leftoverPatience = 2_000;
/** How many of them are named. */
const namedLeftovers = 32;

export interface Hiding {
  /** Descriptors of ours that are not closed on exec (the PTYs of others). */
  readonly hidden: readonly number[];
  /** An open descriptor of /dev/null, which the child finds in their place. */
  readonly nothing: number;
}

/**
 * A process on three pipes, leader of its own session. What it leaves running, found by its marker, is ended with it.
 * Throws when it cannot be started. Null: the system has no process or descriptor left.
 */
export function startPipe(
  spec: PipeSpec,
  env: Readonly<Record<string, string>>,
  marker: string,
  { hidden, nothing }: Hiding,
  events: ChildEvents,
): Child | null {
  const child = spawn(spec.file, spec.args, {
    cwd: spec.cwd,
    env,
    detached: true,
    stdio: hiding(hidden, nothing),
  });
  // Told by `pid` being missing; a failed kill or send is not used.
  child.on('error', () => undefined);
  const { pid } = child;
  if (pid === undefined) return null;
  const [stdin, stdout, stderr] = [child.stdin as Socket, child.stdout as Socket, child.stderr as Socket];

  let reaped = false;
  /** Set when also what it left running has ended. */
  let exit: ChildExit | null = null;
  let linger: Linger | null = null;
  let open = 2;
  let paused = false;

  const lingerOn = (): void => {
    linger = new Linger(() => {
      stdout.destroy();
      stderr.destroy();
    });
  };
  const listen = (stream: 'out' | 'err', socket: Socket): void => {
    socket.on('data', (bytes: Buffer) => {
      linger?.heard();
      events.output(stream, bytes);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      events.finished(stream);
      open -= 1;
      if (open > 0) return;
      linger?.cancel();
      if (exit !== null) events.exited(exit);
    });
  };
  listen('out', stdout);
  listen('err', stderr);
  // EPIPE: it does not want to hear more.
  stdin.on('error', () => stdin.destroy());
  child.on('exit', (exitCode, signal) => {
    reaped = true;
    stdin.destroy();
    // Node resumes the output of a child that has ended.
    paused = false;
    if (open > 0) lingerOn();
    const ended = (leftovers: readonly Leftover[]): void => {
      exit = { exitCode, signal, ...(leftovers.length > 0 && { leftovers: leftovers.slice(0, namedLeftovers) }) };
      if (open === 0) events.exited(exit);
    };
    endLeftovers(marker, leftoverPatience).then(ended, () => ended([]));
  });

  return {
    pid,
    get reaped() {
      return reaped;
    },
    descriptor: null,
    write: (bytes) => {
      if (!stdin.writable) return 'closed';
      if (stdin.writableLength + bytes.length > inputQueueBytes) return 'full';
      stdin.write(bytes);
      return 'taken';
    },
    closeInput: () => stdin.end(),
    resize: () => undefined,
    signal: (signal) => {
      if (!reaped) signalGroup(pid, signal);
    },
    pause: () => {
      if (paused) return;
      paused = true;
      stdout.pause();
      linger?.cancel();
    },
    resume: () => {
      if (!paused) return;
      paused = false;
      stdout.resume();
      if (reaped && open > 0) lingerOn();
    },
  };
}

function hiding(hidden: readonly number[], nothing: number): ('pipe' | 'ignore' | number)[] {
  const highest = Math.max(2, ...hidden);
  return Array.from({ length: highest + 1 }, (_, descriptor) => {
    if (descriptor < 3) return 'pipe';
    return hidden.includes(descriptor) ? nothing : 'ignore';
  });
}
