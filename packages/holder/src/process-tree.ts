/**
 * Which processes are ours, as the kernel tells (/proc; on a system without it nobody is found). Every child carries a
 * marker in its environment, which what it starts inherits: so leftovers are found even when they left their session.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Leftover } from './process.ts';

export interface ProcessStatus {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Of its terminal; -1: it has none. */
  readonly foregroundGroup: number;
  readonly dead: boolean;
}

export const markerName = 'HOLDFAST_HELD';

/** The part of the marker that is the same for all children of one data directory's holders. */
export function markerOwner(dataDirectory: string): string {
  return createHash('sha256').update(dataDirectory).digest('hex').slice(0, 16);
}

export function readStatus(pid: number): ProcessStatus | null {
  const stat = readProc(pid, 'stat');
  if (stat === null) return null;
  // "pid (name) state parent group session terminal foreground …"; the name may hold anything, parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [parent, group, session, , foregroundGroup] = fields.slice(1, 6).map(Number);
  if (parent === undefined || group === undefined || session === undefined || foregroundGroup === undefined)
    return null;
  return { pid, parent, group, session, foregroundGroup, dead: fields[0] === 'Z' || fields[0] === 'X' };
}

/** No error when it is gone, or another user's (sudo): then there is nothing we could do. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  send(-group, signal);
}

/**
 * SIGKILL to all of a living child's session and group; `everywhere`: also to what left its session, by the marker.
 * What a person starts with setsid in a shell is meant to stay, what an agent does is not.
 */
export function killChild(pid: number, marker: string, everywhere: boolean): void {
  signalGroup(pid, 'SIGKILL');
  killAll((each) => each.session === pid || each.group === pid || (everywhere && markerOf(each.pid) === marker));
}

/** The same for a child that has ended: what it left behind. Its pid may be another's by now, so the marker must fit. */
export function killLeftovers(pid: number, marker: string, everywhere: boolean): void {
  killAll((each) => (everywhere || each.session === pid || each.group === pid) && markerOf(each.pid) === marker);
}

/**
 * Ends what a child that has been reaped left running, in whatever session: asks, and after `patience` ms makes it.
 * @returns what was found, once it is gone; after twice the patience also when it is not (the kernel holds on to it).
 */
export async function endLeftovers(marker: string, patience: number): Promise<Leftover[]> {
  const spared = ancestors();
  const found = new Map<number, Leftover>();
  const began = performance.now();
  for (let pause = 10; ; pause = Math.min(pause * 2, 200)) {
    // All again each time: what is being ended may have started another.
    const living = livingProcesses().filter(({ pid }) => !spared.has(pid) && markerOf(pid) === marker);
    const elapsed = performance.now() - began;
    if (living.length === 0 || elapsed > 2 * patience) return [...found.values()];
    for (const { pid } of living) {
      const isNew = !found.has(pid);
      // Before it ends: afterwards nobody knows it.
      if (isNew) found.set(pid, { pid, command: commandOf(pid) });
      if (elapsed > patience) send(pid, 'SIGKILL');
      else if (isNew) send(pid, 'SIGTERM');
    }
    await delay(pause);
  }
}

/**
 * Ends what earlier holders of this owner left behind and waits (at most 2 s) until it is gone.
 * @returns the ids of the children it was left by.
 */
export async function endOrphans(owner: string): Promise<string[]> {
  const spared = ancestors();
  const orphans = (): Map<number, string> => {
    const found = new Map<number, string>();
    for (const { pid } of livingProcesses()) {
      const marker = markerOf(pid);
      if (marker?.startsWith(`${owner}:`) === true && !spared.has(pid)) found.set(pid, marker);
    }
    return found;
  };
  const ids = new Set<string>();
  for (let round = 0; round < 40; round++) {
    const found = orphans();
    if (found.size === 0) break;
    for (const [pid, marker] of found) {
      ids.add(marker.slice(owner.length + 1));
      send(pid, 'SIGKILL');
    }
    await delay(50);
  }
  return [...ids];
}

/** Looks again until nobody new is found: what is being killed may just have started another. */
function killAll(chosen: (status: ProcessStatus) => boolean): void {
  const killed = new Set([process.pid]);
  for (;;) {
    const fresh = livingProcesses().filter((each) => !killed.has(each.pid) && chosen(each));
    if (fresh.length === 0) return;
    for (const { pid } of fresh) {
      killed.add(pid);
      send(pid, 'SIGKILL');
    }
  }
}

function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

function livingProcesses(): ProcessStatus[] {
  const found: ProcessStatus[] = [];
  for (const name of procNames()) {
    const status = /^\d+$/.test(name) ? readStatus(Number(name)) : null;
    if (status !== null && !status.dead) found.push(status);
  }
  return found;
}

function procNames(): string[] {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
}

/** "<owner>:<id>" of a process, its own or inherited. */
function markerOf(pid: number): string | null {
  const environment = readProc(pid, 'environ');
  const prefix = `${markerName}=`;
  const entry = environment?.split('\0').find((each) => each.startsWith(prefix));
  return entry?.slice(prefix.length) ?? null;
}

function commandOf(pid: number): string {
  const line = Buffer.from(readProc(pid, 'cmdline') ?? '', 'latin1').toString('utf8');
  return line.replaceAll('\0', ' ').trim().slice(0, 200);
}

/** This process and those it comes from: whoever starts a holder from inside an orphaned shell is not its victim. */
function ancestors(): Set<number> {
  const found = new Set<number>();
  for (let pid = process.pid; pid > 0 && !found.has(pid); pid = readStatus(pid)?.parent ?? 0) found.add(pid);
  return found;
}

function readProc(pid: number, name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return null;
  }
}
