/** The program people start: server and runner in one process over a memory channel, and the holder beside it. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { memoryChannelPair } from '@holdfast/link/channel.ts';
import type { ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import { HoldfastApplication } from '@holdfast/server/application/holdfast-application.ts';
import type { Configuration } from '@holdfast/server/config/configuration.ts';
import { Drain } from '@holdfast/server/health/drain.ts';
import { createLogger } from '@holdfast/server/health/logger.ts';
import { createMetrics } from '@holdfast/server/health/metrics.ts';
import { createHttpServer } from '@holdfast/server/http/http-server.ts';
import { attachRunnerDoor } from '@holdfast/server/socket/runner-door.ts';
import { attachSocketDoor } from '@holdfast/server/socket/socket-door.ts';
import { openSqliteStore } from '@holdfast/store/sqlite/open.ts';
import { destination } from 'pino';
import { openAccess } from './authentication.ts';
import { banner, localOrigin, originOf, reachableOrigin } from './banner.ts';
import { Failure } from './failure.ts';
import { lockInstance, runningInstance } from './instance-lock.ts';
import { MachineRunner } from './machine-runner.ts';
import { Resources } from './resources.ts';
import { version } from './version.ts';
import { webRoot } from './web-root.ts';

/** Resolves with the exit code when the server has been asked to stop and has. */
export async function serve(
  configuration: Configuration,
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<number> {
  const resources = new Resources();
  const drain = new Drain();
  try {
    const stopped = stopSignal();
    await start(configuration, environment, say, resources, drain);
    const signal = await stopped;
    say(`Stopping (${signal}); shells and agents go on.`);
    await drain.run();
    leaveSoon();
    return 0;
  } finally {
    await resources.dispose();
  }
}

async function start(
  configuration: Configuration,
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
  resources: Resources,
  drain: Drain,
): Promise<void> {
  const { dataDirectory, host, port, publicUrl } = configuration;
  const lock = lockInstance(dataDirectory);
  if (lock === null) throw new Failure('inUse', alreadyRunning(dataDirectory));
  resources.add(() => lock.release());

  const log = createLogger({
    level: configuration.logLevel,
    destination: destination({ dest: join(dataDirectory, 'server.log'), sync: false, mode: 0o600 }),
  });
  const opened = await openSqliteStore({ path: join(dataDirectory, 'holdfast.db') });
  if (!opened.ok) throw new Failure('data', opened.error.message);
  const store = opened.value;
  resources.add(() => store.close());
  const authentication = await openAccess(configuration, log);
  resources.add(() => authentication.close());

  const application = new HoldfastApplication({
    store,
    newId: randomUUID,
    time: () => new Date().toISOString(),
    now: () => performance.now(),
    log,
    limits: configuration.limits,
    retentionDays: configuration.retentionDays,
    maxUploadBytes: configuration.maxUploadBytes,
  });
  resources.add(() => application.close());
  const runner = await MachineRunner.start({
    configuration,
    environment,
    runnerId: 'local',
    name: hostname(),
    link: (started) => {
      const [ours, theirs] = memoryChannelPair<ToServer, ToRunner>();
      application.connectRunner(theirs, null);
      started.connect(ours);
    },
    log,
  });
  // After the doors: what is under way there needs it.
  resources.add(() => runner.close());
  const metrics = createMetrics();
  const serverId = randomUUID();
  const http = await createHttpServer({
    application,
    authentication,
    policy: configuration,
    webRoot: webRoot(),
    version: version(),
    metrics,
    log,
    serverId,
    drain,
  });
  const sockets = attachSocketDoor({
    httpServer: http.server,
    application,
    authentication,
    policy: configuration,
    metrics,
    log,
    serverId,
    drain,
  });
  const runners = attachRunnerDoor({
    httpServer: http.server,
    authentication,
    policy: configuration,
    metrics,
    log,
    serverId,
    drain,
    connect: (channel, ownerId) => application.connectRunner(channel, ownerId),
  });
  resources.add(() => http.close());
  resources.add(() => sockets.close());
  resources.add(() => runners.close());

  // Nobody is served before every open turn, terminal and approval has been compared with what lives (LINK3).
  await application.whenReady();

  await http.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw listenFailure(error, host, port);
  });
  const address = http.server.address() as AddressInfo;
  const origin = originOf(host, address.port);
  lock.announce({ pid: process.pid, url: publicUrl ?? origin, origin: localOrigin(host, address.port) });
  const link = await authentication.createStartLink();
  say(banner(origin, reachableOrigin(host, address.port, publicUrl), link.path).trimEnd());
}

function alreadyRunning(dataDirectory: string): string {
  const other = runningInstance(dataDirectory);
  const where = other === null ? '' : ` at ${other.url} (process ${other.pid})`;
  return `A Holdfast server already uses ${dataDirectory}${where}. Stop it with: npm run -s holdfast -- stop`;
}

function listenFailure(error: NodeJS.ErrnoException, host: string, port: number): Failure {
  if (error.code === 'EADDRINUSE') {
    return new Failure('inUse', `Port ${port} on ${host} is taken. Choose another with HOLDFAST_PORT.`);
  }
  return new Failure('failed', `Cannot listen on ${host}:${port}: ${error.message}`);
}

/** For the rest of its parts to close, ms. */
const closingMs = 5_000;

/**
 * Whatever does not let go in time does not keep the process: all that matters is in the store and the holder, which
 * take its end at any moment.
 */
export function leaveSoon(): void {
  setTimeout(() => process.exit(), closingMs).unref();
}

/** The first signal to stop. A second one is not heard: it ends the process at once. */
export function stopSignal(): Promise<NodeJS.Signals> {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      for (const one of signals) process.off(one, stop);
      resolve(signal);
    };
    for (const one of signals) process.on(one, stop);
  });
}
