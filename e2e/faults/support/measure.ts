/** What a process uses and a server counts, read from outside. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { processesOf } from '../../support/processes.ts';
import type { Installation } from '../../support/program.ts';

export function serverPid(holdfast: Installation): number {
  const [pid] = processesOf('bin.ts\u0000serve', `HOLDFAST_DATA_DIR=${holdfast.dataDirectory}`);
  if (pid === undefined) throw new Error('no server is running');
  return pid;
}

/** Of the server's machine, or of another one. */
export function holderPid({ dataDirectory }: { readonly dataDirectory: string }): number {
  const [pid] = processesOf(`main.ts\u0000${dataDirectory}`, '');
  if (pid === undefined) throw new Error('no holder is running');
  return pid;
}

/** Bytes of memory the process has now. */
export function residentBytes(pid: number): number {
  const [, kibibytes = ''] = /^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

export const openFiles = (pid: number): number => readdirSync(join('/proc', String(pid), 'fd')).length;

/** Of /metrics, one without labels. */
export async function metric(holdfast: Installation, key: string, name: string): Promise<number> {
  const answer = await fetch(`${holdfast.origin}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(await answer.text()) ?? [];
  if (value === undefined) throw new Error(`no metric ${name}`);
  return Number(value);
}

export async function alive(holdfast: Installation): Promise<boolean> {
  return (await fetch(`${holdfast.origin}/readyz`)).ok;
}
