/** A shell command in a folder, with a bounded time and a bounded output. */
import { spawn } from 'node:child_process';

export interface CommandLimits {
  /** Milliseconds. */
  readonly time: number;
  /** Bytes of output told; more ends the command. */
  readonly output: number;
}

export interface CommandEnd {
  readonly exitCode: number | null;
  readonly reason: 'exited' | 'stopped' | 'too long' | 'too much output' | 'not started';
}

/** output: stdout and stderr as they come. Its whole process group is ended when the signal or a limit says so. */
export function runCommand(
  command: string,
  cwd: string,
  limits: CommandLimits,
  signal: AbortSignal,
  output: (text: string) => void,
): Promise<CommandEnd> {
  const ended = Promise.withResolvers<CommandEnd>();
  let reason: CommandEnd['reason'] = 'exited';
  let left = limits.output;
  const child = spawn('/bin/sh', ['-c', command], { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (why: CommandEnd['reason']): void => {
    if (reason !== 'exited' || child.pid === undefined) return;
    reason = why;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  const onAbort = (): void => end('stopped');
  const timer = setTimeout(() => end('too long'), limits.time);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      if (left <= 0) return;
      output(text.slice(0, left));
      left -= text.length;
      if (left <= 0) end('too much output');
    });
  }
  child.on('error', () => ended.resolve({ exitCode: null, reason: 'not started' }));
  child.on('close', (exitCode) => ended.resolve({ exitCode, reason }));
  return ended.promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  });
}
