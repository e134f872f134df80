/** The socket door: who may connect (before anything is sent), and that a login that ended loses its sockets. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server as NodeHttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorBody, fail, type Result } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { LifePushes, SocketPushes } from '@holdfast/protocol/socket.ts';
import type { Clock } from '@holdfast/link/client-interface.ts';
import { systemClock } from '@holdfast/link/system-clock.ts';
import type { Logger } from 'pino';
import { type DefaultEventsMap, Server } from 'socket.io';
import type { Application } from '../application/application.ts';
import { AttemptLimit } from '../auth/attempt-limit.ts';
import type { Authentication, Credentials, VerifiedLogin } from '../auth/authentication.ts';
import { hostAllowed, originAllowed, type OriginPolicy } from '../auth/origin-policy.ts';
import { Drain } from '../health/drain.ts';
import type { Metrics } from '../health/metrics.ts';
import { ClientSocket, type ServerSocket } from './client-socket.ts';
import { engineTimes } from './peer-liveness.ts';

export interface SocketDoorOptions {
  readonly httpServer: NodeHttpServer;
  readonly application: Application;
  readonly authentication: Authentication;
  readonly policy: OriginPolicy;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Names this server process to clients; another after a restart. */
  readonly serverId: string;
  /** Default: one that nobody runs. */
  readonly drain?: Drain;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** How often logins of open sockets are looked at again. Default 30 s. */
  readonly recheckMs?: number;
}

export interface SocketDoor {
  /** Ends all connections; clients come again by themselves. The HTTP server stays. */
  close(): void;
}

const closeGraceMs = 1_000;
const connectionsPerAddress = { capacity: 200, refillMs: 100 };

/** Serves /socket.io/ on the HTTP server. A refused login is a connect_error whose `data` is an ErrorBody. */
export function attachSocketDoor(options: SocketDoorOptions): SocketDoor {
  const { application, authentication, policy, metrics, log, serverId } = options;
  const { drain = new Drain(), clock = systemClock } = options;
  const clients = new Map<ClientSocket, Credentials>();
  const connections = new AttemptLimit(connectionsPerAddress, () => performance.now());
  const io = new Server<DefaultEventsMap, SocketPushes & LifePushes>(options.httpServer, {
    serveClient: false,
    ...engineTimes,
    maxHttpBufferSize: limits.requestBytes,
    allowRequest: (request, decide) => {
      const reason = refusal(request, policy, connections);
      decide(reason, reason === null);
    },
  });

  const upgraded = new Set<Duplex>();
  options.httpServer.on('upgrade', (_request, socket: Duplex) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
  });

  io.use((socket, next) => {
    verify(socket, authentication, policy)
      .then((result) => {
        if (!result.ok) return next(connectError(result.error));
        if (drain.refusal !== null) return next(connectError(drain.refusal));
        const connection = application.connection(result.value);
        if (!connection.ok) return next(connectError(connection.error));
        // Whichever comes first; a connection that is gone already never becomes a socket.
        socket.once('disconnect', connection.value);
        socket.conn.once('close', connection.value);
        if (socket.conn.readyState !== 'open') connection.value();
        socket.data = { login: result.value };
        return next();
      })
      .catch((error: unknown) => {
        const reference = randomUUID();
        log.error({ err: error, reference }, 'a socket login failed');
        const message = `Something went wrong here. Reference: ${reference}`;
        next(connectError({ kind: 'internal', message, details: { reference } }));
      });
  });

  io.on('connection', (socket) => {
    const { login } = socket.data as { login: VerifiedLogin };
    const client = new ClientSocket({
      ...{ socket, login, application, metrics, log, serverId, clock },
      makeReference: randomUUID,
    });
    clients.set(client, credentialsOf(socket));
    socket.once('disconnect', (reason) => {
      clients.delete(client);
      log.debug({ loginId: login.loginId, reason }, 'socket closed');
    });
    log.debug({ loginId: login.loginId, via: login.via, device: login.device }, 'socket open');
  });

  drain.add({
    tell: (withinMs) => clients.forEach((_from, client) => client.move(withinMs)),
    open: () => clients.size,
  });
  const forget = authentication.onEnded((loginId) => {
    for (const client of clients.keys()) if (client.login.loginId === loginId) client.dismiss();
  });
  const recheck = setInterval(() => {
    dismissEnded(clients, authentication).catch((error: unknown) => log.error({ err: error }, 'logins not rechecked'));
  }, options.recheckMs ?? 30_000);
  recheck.unref();

  metrics.gauge('holdfast_sockets', 'Connected sockets', () => clients.size);
  metrics.gauge('holdfast_subscriptions', 'Sessions followed over sockets', () =>
    [...clients.keys()].reduce((sum, client) => sum + client.subscriptions, 0),
  );

  return {
    close: () => {
      clearInterval(recheck);
      forget();
      io.engine.close();
      // A client that does not take even the goodbye must not keep the HTTP server from closing.
      const grace = setTimeout(() => upgraded.forEach((socket) => socket.destroy()), closeGraceMs);
      options.httpServer.once('close', () => clearTimeout(grace));
    },
  };
}

/** Before the connection is accepted; null: go on. The login itself comes with the first packet. */
function refusal(request: IncomingMessage, policy: OriginPolicy, connections: AttemptLimit): string | null {
  if (connections.take(request.socket.remoteAddress ?? '') > 0) return 'too many connections';
  const { host } = request.headers;
  if (!hostAllowed(policy, host)) return 'this server does not go by that name';
  const origin = originOf(request);
  return origin === undefined || originAllowed(policy, origin, host) ? null : 'another page may not connect';
}

async function verify(
  socket: ServerSocket,
  authentication: Authentication,
  policy: OriginPolicy,
): Promise<Result<VerifiedLogin>> {
  const result = await authentication.login(credentialsOf(socket));
  if (!result.ok || result.value.via === 'key') return result;
  return originAllowed(policy, originOf(socket.request), socket.request.headers.host)
    ? result
    : fail('forbidden', 'A connection with a cookie needs the Origin header. Programs use an API key.');
}

/** Browsers send no Origin with a same-origin GET, which long-polling begins with; the Referer says the same. */
function originOf({ headers }: IncomingMessage): string | undefined {
  if (headers.origin !== undefined) return headers.origin;
  const { referer } = headers;
  return referer !== undefined && URL.canParse(referer) ? new URL(referer).origin : undefined;
}

function credentialsOf(socket: ServerSocket): Credentials {
  const { headers } = socket.request;
  const { key } = socket.handshake.auth;
  return {
    authorization: key === undefined ? headers.authorization : `Bearer ${String(key)}`,
    cookie: headers.cookie,
    userAgent: headers['user-agent'],
    address: socket.request.socket.remoteAddress ?? '',
  };
}

export function connectError(body: ErrorBody): Error {
  return Object.assign(new Error(body.message), { data: body });
}

async function dismissEnded(
  clients: ReadonlyMap<ClientSocket, Credentials>,
  authentication: Authentication,
): Promise<void> {
  for (const [client, credentials] of clients) {
    const result = await authentication.login(credentials);
    if (!result.ok && result.error.kind === 'unauthenticated') client.dismiss();
  }
}
