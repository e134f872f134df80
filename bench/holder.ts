/**
 * What the holder costs: output through it to a client in another process, against node-pty read directly, in one run.
 * Usage: node bench/holder.ts [megabytes per flood, default 100] [rounds, default 3]
 */
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import nodePty from '@lydell/node-pty';
import { connectHolder } from '@holdfast/holder/client.ts';
import { holderFiles } from '@holdfast/holder/holder-files.ts';
import { ensureHolder } from '@holdfast/holder/launch.ts';
import type { ConnectedHolder, HolderResult } from '@holdfast/holder/process.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', TERM: 'xterm-256color' };
const echoes = 1_000;

interface Flood {
  readonly bytes: number;
  readonly seconds: number;
  /** Of the process that reads. */
  readonly cpuSeconds: number;
}

/** Text lines from a file: one process writes, so that the terminal is what is measured. */
function floodCommand(directory: string): string[] {
  return ['-c', 'stty -opost; exec cat "$0"', join(directory, 'flood.txt')];
}

function writeFlood(directory: string, megabytes: number): void {
  writeFileSync(join(directory, 'flood.txt'), `${'x'.repeat(99)}\n`.repeat(megabytes * 10_000));
}

const echoCommand = ['-c', 'stty raw -echo; printf ready; exec cat'];

/** User and system time of a process, in seconds (Linux: in hundredths). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function value<T>(result: HolderResult<T>): T {
  if (!result.ok) throw new Error(`${result.error.kind}: ${result.error.message}`);
  return result.value;
}

async function floodThroughHolder(holder: ConnectedHolder, id: string, directory: string): Promise<Flood> {
  const cpu = cpuSeconds(holder.pid);
  const begin = performance.now();
  value(
    await holder.spawn(
      id,
      { kind: 'pty', file: 'bash', args: floodCommand(directory), cwd: '/', env, cols: 120, rows: 40 },
      {},
    ),
  );
  const bytes = await new Promise<number>((resolve, reject) => {
    holder.read(id, 'out', 0, {
      data: (offset, chunk) => void holder.release(id, 'out', offset + chunk.length).catch(reject),
      gap: (from, to) => reject(new Error(`gap ${from}–${to}`)),
      end: resolve,
    });
  });
  return { bytes, seconds: (performance.now() - begin) / 1000, cpuSeconds: cpuSeconds(holder.pid) - cpu };
}

function floodDirect(directory: string): Promise<Flood> {
  return new Promise((resolve) => {
    const cpu = process.cpuUsage();
    const begin = performance.now();
    const pty = nodePty.spawn('bash', floodCommand(directory), { encoding: null, env, cwd: '/', cols: 120, rows: 40 });
    let bytes = 0;
    pty.onData((chunk) => (bytes += chunk.length));
    pty.onExit(() => {
      const used = process.cpuUsage(cpu);
      resolve({ bytes, seconds: (performance.now() - begin) / 1000, cpuSeconds: (used.user + used.system) / 1e6 });
    });
  });
}

/** Milliseconds from a byte written to the byte read, one after the other. */
async function echo(write: (byte: Uint8Array) => void, heard: { next: () => void }): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < echoes; count++) {
    await delay(2);
    const begin = performance.now();
    const answered = new Promise<void>((resolve) => (heard.next = resolve));
    write(Buffer.from('x'));
    await answered;
    times.push(performance.now() - begin);
  }
  return times;
}

async function echoThroughHolder(holder: ConnectedHolder): Promise<number[]> {
  const id = 'echo.1';
  const heard = { next: (): void => undefined };
  const ready = new Promise<void>((resolve) => (heard.next = resolve));
  value(
    await holder.spawn(id, { kind: 'pty', file: 'bash', args: echoCommand, cwd: '/', env, cols: 120, rows: 40 }, {}),
  );
  const reading = holder.read(id, 'out', 0, { data: () => heard.next(), gap: () => undefined, end: () => undefined });
  await ready;
  const times = await echo((byte) => void holder.write(id, byte).catch(() => undefined), heard);
  reading.close();
  value(await holder.signal(id, 'SIGKILL'));
  return times;
}

async function echoDirect(): Promise<number[]> {
  const heard = { next: (): void => undefined };
  const ready = new Promise<void>((resolve) => (heard.next = resolve));
  const pty = nodePty.spawn('bash', echoCommand, { encoding: null, env, cwd: '/', cols: 120, rows: 40 });
  pty.onData(() => heard.next());
  await ready;
  const times = await echo((byte) => pty.write(Buffer.from(byte).toString()), heard);
  pty.kill('SIGKILL');
  return times;
}

/** The client is a process of its own, as the runner is; so is the direct reader. */
async function child(role: string, directory: string): Promise<{ flood: Flood; echo: number[] }> {
  if (role === 'direct') return { flood: await floodDirect(directory), echo: await echoDirect() };
  const holder = value(await connectHolder({ socketPath: holderFiles(join(directory, 'data')).socket }));
  const flood = await floodThroughHolder(holder, 'flood.1', directory);
  const times = await echoThroughHolder(holder);
  for (const id of ['flood.1', 'echo.1']) await forgetWhenEnded(holder, id);
  holder.close();
  return { flood, echo: times };
}

async function forgetWhenEnded(holder: ConnectedHolder, id: string): Promise<void> {
  while (!(await holder.forget(id)).ok) await delay(10);
}

function inChild(role: string, directory: string): ReturnType<typeof child> {
  return new Promise((resolve, reject) => {
    const process = fork(fileURLToPath(import.meta.url), ['child', role, directory]);
    process.on('message', (message) => resolve(message as Awaited<ReturnType<typeof child>>));
    process.on('exit', (code) => reject(new Error(`${role} ended with ${code}`)));
  });
}

function percentile(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(3);
}

function report(role: string, { flood, echo: times }: { flood: Flood; echo: number[] }): void {
  const sorted = times.toSorted((a, b) => a - b);
  const megabytes = flood.bytes / 1e6;
  process.stdout.write(
    `${role.padEnd(7)} ${megabytes.toFixed(0)} MB: ${(megabytes / flood.seconds).toFixed(1)} MB/s, ` +
      `${((flood.cpuSeconds / megabytes) * 100).toFixed(2)} CPU s per 100 MB; ` +
      `echo p50 ${percentile(sorted, 0.5)} ms, p99 ${percentile(sorted, 0.99)} ms\n`,
  );
}

async function main(megabytes: number, rounds: number): Promise<void> {
  using directory = temporaryDirectory();
  writeFlood(directory.path, megabytes);
  const holder = value(await ensureHolder({ dataDir: join(directory.path, 'data') }));
  try {
    for (let round = 0; round < rounds; round++) {
      report('direct', await inChild('direct', directory.path));
      report('holder', await inChild('holder', directory.path));
    }
  } finally {
    value(await holder.shutdown());
  }
}

if (process.argv[2] === 'child') {
  const [, , , role, directory] = process.argv;
  const result = await child(role as string, directory as string);
  process.send?.(result, () => process.exit(0));
} else {
  await main(Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 3));
}
