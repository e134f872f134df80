/** The terminal in which the program runs, as `attach` needs it. */
import { writeSync } from 'node:fs';
import type { Size } from './attach-driving.ts';

export interface LocalTerminal {
  size(): Size;
  /** Synchronous, as Node writes to terminals. */
  write(data: string | Uint8Array): void;
  /**
   * Keys as they are typed, until the returned function is called. It, and the end of the process however it comes,
   * writes `restore()` and gives the terminal back.
   */
  raw(events: RawEvents): () => void;
}

interface RawEvents {
  readonly keys: (chunk: Uint8Array) => void;
  readonly resized: (size: Size) => void;
  /** The terminal is gone, or the program is asked to end. */
  readonly closed: () => void;
  readonly restore: () => string;
}

/** null: input or output is none. */
export function localTerminal(): LocalTerminal | null {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) return null;
  const size = (): Size => ({ cols: stdout.columns, rows: stdout.rows });
  return {
    size,
    write: (data) => void stdout.write(data),
    raw: ({ keys, resized, closed, restore }) => {
      const onResize = (): void => resized(size());
      const giveBack = (): void => {
        process.off('exit', giveBack);
        for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, closed);
        stdin.off('data', keys).off('end', closed).off('error', closed);
        stdout.off('resize', onResize);
        try {
          stdin.setRawMode(false);
          writeSync(stdout.fd, restore());
        } catch {
          // The terminal itself is gone.
        }
        stdin.pause().unref();
      };
      process.on('exit', giveBack);
      for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, closed);
      stdin.setRawMode(true);
      stdin.on('data', keys).on('end', closed).on('error', closed);
      stdin.resume();
      stdout.on('resize', onResize);
      return giveBack;
    },
  };
}
