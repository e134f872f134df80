import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ReadStream } from 'node:tty';
import nodePty from '@lydell/node-pty';
import type { Child, ChildEvents, ChildExit } from './child.ts';
import { Linger } from './child.ts';
import { InputQueue } from './input-queue.ts';
import { signalName } from './message.ts';
import type { PtySpec } from './process.ts';
import { readStatus, signalGroup } from './process-tree.ts';

/**
 * The part of node-pty that is native (exact version pinned). Its terminal class is not used, because it discards
 * output not read within 200 ms of the exit, adds to the environment, and spins while a program does not read its input.
 */
interface NativePty {
  fork(
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    exited: (exitCode: number, signal: number) => void,
  ): { fd: number; pid: number; pty: string };
  resize(fd: number, cols: number, rows: number, pixelWidth: number, pixelHeight: number): void;
}

const native = (nodePty as unknown as { native: NativePty }).native;

/** HOLD5, milliseconds. */
const longestPause = 100;

/** All PTYs read into this: what was read is taken over before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Throws when the system has no PTY or process left. */
export function startPty(spec: PtySpec, env: Readonly<Record<string, string>>, events: ChildEvents): Child {
  let exit: ChildExit | null = null;
  /** The descriptor is closed, or about to be: its number may soon be another's. */
  let shut = false;
  let closed = false;
  let linger: Linger | null = null;
  let pauseTimer: NodeJS.Timeout | undefined;

  const told = (exitCode: number, signal: number): void => {
    exit = signal === 0 ? { exitCode, signal: null } : { exitCode: null, signal: signalName(signal) };
    if (closed) return events.exited(exit);
    resume();
    linger = new Linger(close);
  };
  const close = (): void => {
    shut = true;
    input.close();
    socket.destroy();
  };

  const { fd, pid } = native.fork(
    spec.file,
    spec.args,
    Object.entries(env).map(([name, value]) => `${name}=${value}`),
    spec.cwd,
    spec.cols,
    spec.rows,
    -1,
    -1,
    false,
    spawnHelper(),
    told,
  );
  const input = new InputQueue(fd);
  const socket = new ReadStream(fd, {
    onread: {
      buffer: readBuffer,
      callback: (count) => {
        linger?.heard();
        events.output('out', readBuffer.subarray(0, count));
        input.nudge();
        return true;
      },
    },
  });
  // EIO is how Linux says that the last process has closed the terminal, an end how macOS does.
  socket.on('error', close);
  socket.on('end', close);
  socket.on('close', () => {
    closed = true;
    linger?.cancel();
    clearTimeout(pauseTimer);
    events.finished('out');
    events.finished('err');
    if (exit !== null) events.exited(exit);
  });
  socket.resume();

  const resume = (): void => {
    clearTimeout(pauseTimer);
    pauseTimer = undefined;
    if (!shut) socket.resume();
  };

  return {
    pid,
    get reaped() {
      return exit !== null;
    },
    get descriptor() {
      return shut ? null : fd;
    },
    write: (bytes) => input.write(bytes),
    // The terminal's own end-of-file: Ctrl-D.
    closeInput: () => void input.write(Uint8Array.of(4)),
    resize: (cols, rows) => {
      if (!shut) native.resize(fd, cols, rows, 0, 0);
    },
    signal: (signal) => {
      const foreground = readStatus(pid)?.foregroundGroup;
      // An interrupt is for the program in front, as if typed; an end is for the shell too.
      for (const group of new Set(signal === 'SIGINT' ? [foreground ?? pid] : [pid, foreground])) {
        if (group !== undefined && group > 0) signalGroup(group, signal);
      }
    },
    pause: () => {
      if (shut || exit !== null || pauseTimer !== undefined) return;
      socket.pause();
      pauseTimer = setTimeout(resume, longestPause);
    },
    resume,
  };
}

/** macOS starts the child through a program of node-pty's. */
function spawnHelper(): string {
  if (process.platform !== 'darwin') return '';
  const platform = `${process.platform}-${process.arch}`;
  const fromLibrary = createRequire(createRequire(import.meta.url).resolve('@lydell/node-pty'));
  const main = fromLibrary.resolve(`@lydell/node-pty-${platform}`);
  return join(dirname(main), '..', 'prebuilds', platform, 'spawn-helper');
}
