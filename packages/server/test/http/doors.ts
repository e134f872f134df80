/** Both doors over a FakeApplication, listening on a free port, with one key and one cookie. */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '@holdfast/link/client-interface.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { type Authentication, openAuthentication } from '../../src/auth/authentication.ts';
import { createLogger } from '../../src/health/logger.ts';
import { Drain } from '../../src/health/drain.ts';
import { createMetrics, type Metrics } from '../../src/health/metrics.ts';
import type { HttpApp } from '../../src/http/app.ts';
import { createHttpServer } from '../../src/http/http-server.ts';
import { attachSocketDoor, type SocketDoor } from '../../src/socket/socket-door.ts';
import { FakeApplication } from './fake-application.ts';

export interface Doors extends AsyncDisposable {
  readonly application: FakeApplication;
  readonly authentication: Authentication;
  readonly app: HttpApp;
  readonly socketDoor: SocketDoor;
  readonly drain: Drain;
  readonly metrics: Metrics;
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly port: number;
  readonly key: string;
  readonly cookie: string;
  /** Adds to the server's idea of now. */
  advance(ms: number): void;
  /** Log lines so far. */
  log(): string;
  /** A request with the key; `init.headers` win. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

export interface DoorsOptions {
  readonly clock?: Clock;
  readonly recheckMs?: number;
}

export const inlineScript = 'console.log("start");';

export async function openDoors(options: DoorsOptions = {}): Promise<Doors> {
  const directory = temporaryDirectory();
  let lines = '';
  let ahead = 0;
  const log = createLogger({ level: 'trace', destination: { write: (line) => void (lines += line) } });
  const opened = await openAuthentication({
    databasePath: join(directory.path, 'auth.db'),
    secret: '5e'.repeat(32),
    baseUrl: 'http://127.0.0.1',
    log,
    now: () => Date.now() + ahead,
    ownerName: 'Ada',
  });
  if (!opened.ok) throw new Error(opened.error.message);
  const authentication = opened.value;
  const created = await authentication.createKey('tests');
  if (!created.ok) throw new Error(created.error.message);
  const key = created.value;
  const { token } = await authentication.createLoginLink();
  const redeemed = await authentication.redeemLoginLink(token, { address: 'test' });
  if (!redeemed.ok) throw new Error(redeemed.error.message);
  const cookie = redeemed.value.setCookie.map((line) => line.split(';')[0]).join('; ');

  const webRoot = join(directory.path, 'web');
  mkdirSync(join(webRoot, '_app', 'immutable'), { recursive: true });
  writeFileSync(
    join(webRoot, 'index.html'),
    `<html><script src="/x.js"></script><script>${inlineScript}</script></html>`,
  );
  writeFileSync(join(webRoot, '_app', 'immutable', 'a.js'), 'export {};');
  writeFileSync(join(webRoot, 'favicon.svg'), '<svg/>');

  const application = new FakeApplication();
  const metrics = createMetrics();
  const drain = new Drain();
  const serverId = 'server-1';
  const policy = { host: '127.0.0.1', publicUrl: 'https://terminal.example.org' };
  const app = await createHttpServer({
    application,
    authentication,
    policy,
    webRoot,
    version: '0.0.0',
    metrics,
    log,
    serverId,
    drain,
    clock: options.clock,
  });
  const socketDoor = attachSocketDoor({
    httpServer: app.server,
    application,
    authentication,
    policy,
    metrics,
    log,
    serverId,
    drain,
    clock: options.clock,
    recheckMs: options.recheckMs,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    application,
    authentication,
    app,
    socketDoor,
    drain,
    metrics,
    url,
    port,
    key,
    cookie,
    advance: (ms) => (ahead += ms),
    log: () => lines,
    ask: (path, init = {}) =>
      fetch(`${url}${path}`, {
        ...init,
        headers: {
          authorization: `Bearer ${key}`,
          ...(typeof init.body === 'string' ? { 'content-type': 'application/json' } : {}),
          ...(init.headers as Record<string, string> | undefined),
        },
      }),
    async [Symbol.asyncDispose]() {
      socketDoor.close();
      await app.close();
      authentication.close();
      directory[Symbol.dispose]();
    },
  };
}
