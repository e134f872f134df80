import { appendFileSync, renameSync, statSync } from 'node:fs';

/** One line. */
export type Log = (line: string) => void;

const maximumLogBytes = 256 * 1024;

/** Appends to `path`; a full file becomes `path`.old. A log that cannot be written ends no process: it stays silent. */
export function fileLog(path: string): Log {
  return (line) => {
    try {
      appendFileSync(path, `${new Date().toISOString()} ${process.pid} ${line}\n`, { mode: 0o600 });
      if (statSync(path).size > maximumLogBytes) renameSync(path, `${path}.old`);
    } catch {
      return;
    }
  };
}
