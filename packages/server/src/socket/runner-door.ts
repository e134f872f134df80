/**
 * The door for runners on other machines. Beside that of pages, with packets of its own size: a screen or a report is
 * larger than what anybody may send who has not shown a key. The key is looked at before a connection is accepted.
 */
import type { IncomingMessage, Server as NodeHttpServer } from 'node:http';
import { fail, type Result } from '@holdfast/protocol/error.ts';
import type { ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import { socketRequestSchemas } from '@holdfast/protocol/socket.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import type { Channel } from '@holdfast/link/channel.ts';
import type { Clock } from '@holdfast/link/client-interface.ts';
import { runnerDoor, runnerPacketBytes, serverLimits } from '@holdfast/link/runner-door.ts';
import { socketChannel } from '@holdfast/link/socket-channel.ts';
import { systemClock } from '@holdfast/link/system-clock.ts';
import type { Logger } from 'pino';
import { Server, type Socket } from 'socket.io';
import { AttemptLimit } from '../auth/attempt-limit.ts';
import type { Authentication, VerifiedLogin } from '../auth/authentication.ts';
import { hostAllowed, type OriginPolicy } from '../auth/origin-policy.ts';
import { Drain } from '../health/drain.ts';
import type { Metrics } from '../health/metrics.ts';
import { cutOff, engineTimes, watchPeer } from './peer-liveness.ts';
import { connectError } from './socket-door.ts';

export interface RunnerDoorOptions {
  readonly httpServer: NodeHttpServer;
  readonly authentication: Authentication;
  readonly policy: OriginPolicy;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Names this server process to runners; another after a restart. */
  readonly serverId: string;
  /** Takes the server's end of each new link; ownerId: whose key it came with. What comes is parsed by who takes it. */
  readonly connect: (channel: Channel<ToRunner, ToServer>, ownerId: string) => void;
  /** Default: one that nobody runs. */
  readonly drain?: Drain;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** How often keys of linked runners are looked at again. Default 30 s. */
  readonly recheckMs?: number;
}

export interface RunnerDoor {
  /** Ends all links; runners come again by themselves. */
  close(): void;
}

const connectionsPerAddress = { capacity: 50, refillMs: 1_000 };
/** Packets of a link that are none of ours; with one more it is closed. */
const strayPackets = 100;

/** A refused key is status 403 of the handshake; anything that passes is a handshake without an answer. */
export function attachRunnerDoor(options: RunnerDoorOptions): RunnerDoor {
  const { authentication, policy, metrics, log, drain = new Drain() } = options;
  const connections = new AttemptLimit(connectionsPerAddress, () => performance.now());
  const verified = new WeakMap<IncomingMessage, VerifiedLogin>();
  const linked = new Map<Socket, VerifiedLogin>();

  const io = new Server(options.httpServer, {
    path: runnerDoor.path,
    serveClient: false,
    ...engineTimes,
    maxHttpBufferSize: runnerPacketBytes,
    // Other doors listen for upgrades on the same server.
    destroyUpgrade: false,
    allowRequest: (request, decide) => {
      const address = request.socket.remoteAddress ?? '';
      // A refusal in words (403) is final for a runner: who may come again later is only hung up on.
      const later = (): void => void request.socket.destroy();
      const refuse = (reason: string): void => {
        if (request.headers.upgrade === undefined) return decide(reason, false);
        // Engine.IO would say 400, whatever the reason.
        request.socket.end(`HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n${reason}\n`);
      };
      if (connections.take(address) > 0 || drain.begun) return later();
      if (!hostAllowed(policy, request.headers.host)) return refuse('this server does not go by that name');
      authentication
        .login({ authorization: request.headers.authorization ?? '', address })
        .then((login) => {
          if (login.ok) {
            verified.set(request, login.value);
            decide(null, true);
          } else if (login.error.kind === 'unauthenticated') refuse('a runner needs a valid API key');
          else later();
        })
        .catch((error: unknown) => {
          log.error({ err: error }, 'the key of a runner could not be checked');
          later();
        });
    },
  });
  io.use((_socket, next) => next(connectError({ kind: 'bad_request', message: 'Only runners come in here.' })));

  io.of(runnerDoor.namespace)
    .use((socket, next) => {
      socket.data = verified.get(socket.request);
      next();
    })
    .on('connection', (socket) => {
      const login = socket.data as VerifiedLogin;
      linked.set(socket, login);
      socket.once('disconnect', (reason) => {
        linked.delete(socket);
        log.debug({ loginId: login.loginId, reason }, 'a runner hung up');
      });
      receive(socket, options, login);
    });

  drain.add({
    tell: (withinMs) => linked.forEach((_login, socket) => void socket.emit('drain', { withinMs })),
    open: () => linked.size,
  });
  const forget = authentication.onEnded((loginId) => {
    for (const [socket, login] of linked) if (login.loginId === loginId) socket.disconnect(true);
  });
  const recheck = setInterval(() => {
    disconnectEnded(linked, authentication).catch((error: unknown) => log.error({ err: error }, 'keys not rechecked'));
  }, options.recheckMs ?? 30_000);
  recheck.unref();
  metrics.gauge('holdfast_remote_runners', 'Linked runners on other machines', () => linked.size);

  return {
    close: () => {
      clearInterval(recheck);
      forget();
      io.engine.close();
    },
  };
}

/** hello and ping are answered here, messages go to the channel, anything else harms nobody and is bounded (WIRE5). */
function receive(socket: Socket, options: RunnerDoorOptions, login: VerifiedLogin): void {
  const { connect, serverId, log, clock = systemClock } = options;
  const hangUp = (): void => void socket.disconnect(true);
  const { channel, received, lost } = socketChannel<ToRunner, ToServer>({
    limits: serverLimits,
    emit: (name, value) => void socket.emit(name, value),
    hangUp,
    tooLarge: (message, size) => {
      log.error({ type: message.type, size }, 'a message for a runner is too large and was not sent');
      return null;
    },
  });
  const answers = (name: string, value: unknown): Result<object> | null => {
    if (name === 'hello') {
      const hello = socketRequestSchemas.hello.safeParse(value);
      if (!hello.success) return null;
      return hello.data.protocolVersion === protocolVersion
        ? { ok: true, value: { protocolVersion, serverId, time: new Date().toISOString() } }
        : fail('unsupported_version', `This server speaks version ${protocolVersion}.`, {
            details: { protocolVersion },
          });
    }
    const ping = name === 'ping' ? socketRequestSchemas.ping.safeParse(value) : null;
    return ping?.success === true ? { ok: true, value: { nonce: ping.data.nonce } } : null;
  };
  let strays = 0;
  socket.onAny((name: unknown, value: unknown, acknowledge: unknown) => {
    if (typeof name === 'string' && received(name, value)) return;
    const answer = typeof name === 'string' && typeof acknowledge === 'function' ? answers(name, value) : null;
    if (answer !== null) {
      (acknowledge as (answer: unknown) => void)(answer.ok ? { ok: true, ...answer.value } : answer);
      return;
    }
    strays += 1;
    if (strays <= strayPackets) return;
    log.warn({ loginId: login.loginId }, 'a runner sends what nobody understands: closed');
    hangUp();
  });
  watchPeer({
    connection: socket.conn,
    link: socket.id,
    clock,
    ping: (message, answer) => void socket.emit('ping', message, answer),
    gone: () => {
      log.info({ loginId: login.loginId }, 'a runner is not heard any more: closed');
      cutOff(socket.conn);
    },
  });
  socket.once('disconnect', lost);
  connect(channel, login.userId);
}

async function disconnectEnded(
  linked: ReadonlyMap<Socket, VerifiedLogin>,
  authentication: Authentication,
): Promise<void> {
  for (const socket of linked.keys()) {
    const { headers, socket: connection } = socket.request;
    const from = { authorization: headers.authorization ?? '', address: connection.remoteAddress ?? '' };
    const result = await authentication.login(from);
    if (!result.ok && result.error.kind === 'unauthenticated') socket.disconnect(true);
  }
}
