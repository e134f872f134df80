/**
 * The holder: owns every PTY and every agent's pipes of one data directory, so that they outlive the server.
 * Usage: node main.ts <data directory>. Started by launch.ts, in its own session; ends by SIGTERM or `shutdown`.
 */
import {
  chmodSync,
  closeSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { serveConnection } from './connection.ts';
import { exitCodes, holderFiles } from './holder-files.ts';
import { takeLock } from './lock.ts';
import { fileLog } from './log.ts';
import { ProcessTable } from './process-table.ts';
import { endOrphans, markerOwner } from './process-tree.ts';

const [, , argument] = process.argv;
if (argument === undefined) {
  process.stderr.write('usage: main.ts <data directory>\n');
  process.exit(exitCodes.usage);
}
closeInheritedDescriptors();
mkdirSync(argument, { recursive: true, mode: 0o700 });
const dataDirectory = realpathSync(argument);
process.chdir(dataDirectory);
const files = holderFiles(dataDirectory);
const log = fileLog(files.log);

try {
  if (!takeLock(files.lock)) {
    process.stderr.write(`another holder has ${dataDirectory}\n`);
    process.exit(exitCodes.alreadyRunning);
  }
} catch (error) {
  process.stderr.write(`cannot use ${files.lock}: ${String(error)}\n`);
  process.exit(exitCodes.unusableDirectory);
}

// Its terminal and its launcher may go; it stays.
process.on('SIGHUP', () => undefined);
process.on('SIGINT', () => undefined);

const orphans = await endOrphans(markerOwner(dataDirectory));
const table = new ProcessTable(dataDirectory, log);
let ending: Promise<void> | undefined;

const end = (): Promise<void> => {
  if (ending !== undefined) return ending;
  // Removes the socket: who comes now starts a new holder, which waits for our lock.
  server.close();
  ending = table.end().then(() => {
    log('ended');
    rmSync(files.state, { force: true });
    // The answer to a shutdown goes out first.
    setImmediate(() => process.exit(0));
  });
  return ending;
};
const server = createServer((socket) => {
  serveConnection({ socket, table, orphans, log, shutdown: end });
});
process.on('SIGTERM', () => {
  end().catch((error: unknown) => log(`ending: ${String(error)}`));
});

server.on('error', (error) => {
  log(`cannot listen: ${error.message}`);
  process.stderr.write(`cannot listen on ${files.socket}: ${error.message}\n`);
  process.exit(exitCodes.cannotListen);
});
// The lock is ours: a socket found here is a dead holder's.
rmSync(files.socket, { force: true });
const mask = process.umask(0o177);
server.listen(files.socket, () => {
  chmodSync(files.socket, 0o600);
  writeFileSync(files.state, `${JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString() })}\n`, {
    mode: 0o600,
  });
  const ended = orphans.length === 0 ? '' : `; ended orphans: ${orphans.join(' ')}`;
  log(`started with Node ${process.versions.node}${ended}`);
});
process.umask(mask);

/** What the launcher left open would be kept open for as long as we and our children live. */
function closeInheritedDescriptors(): void {
  const directory = '/proc/self/fdinfo';
  const closeOnExec = 0o2000000;
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return;
  }
  for (const name of names) {
    if (Number(name) <= 2) continue;
    try {
      const flags = /^flags:\s*(\d+)/m.exec(readFileSync(join(directory, name), 'utf8'))?.[1];
      // Ours are all closed on exec; what is not came from outside.
      if (flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0) closeSync(Number(name));
    } catch {
      continue;
    }
  }
}
