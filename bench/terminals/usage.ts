/** What processes use, from /proc: the same look for every contestant. */
import { readFileSync } from 'node:fs';

/** User and system time since they started, in seconds (a hundredth at least). Of those that live. */
export function cpuSeconds(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  });
}

/** Proportional set size, bytes. */
export function memoryBytes(pids: readonly number[]): number {
  return sum(pids, (pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
  });
}

/** Its children with that name (the kernel keeps 15 characters of it). */
export function childrenOf(pid: number, name: string): number[] {
  const tasks = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return tasks
    .split(' ')
    .filter((child) => child !== '')
    .map(Number)
    .filter((child) => readOr('', `/proc/${child}/comm`).trim() === name);
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((total, pid) => {
    try {
      return total + of(pid);
    } catch {
      // It has ended.
      return total;
    }
  }, 0);
}

function readOr(otherwise: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
