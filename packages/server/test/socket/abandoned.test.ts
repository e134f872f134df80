/** A thousand connections opened and left in every way there is, and nothing of them stays. */
import { Agent, type IncomingMessage, get } from 'node:http';
import { type Socket as Connection, connect } from 'node:net';
import { runnerDoor } from '@holdfast/link/runner-door.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { quickClock } from '@holdfast/testkit/quick-clock.ts';
import { pino } from 'pino';
import { io } from 'socket.io-client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMetrics } from '../../src/health/metrics.ts';
import { attachRunnerDoor, type RunnerDoor } from '../../src/socket/runner-door.ts';
import { type Doors, openDoors } from '../http/doors.ts';
import { RawWebSocket } from './raw-web-socket.ts';

/** Half-open ones are found out after five seconds. */
const quicker = 6;
/** Connections of each way and each ending. */
const each = 56;
const atOnce = 14;
/** As a server under test has it. */
const listenersAtMost = 12;
/** Each batch comes from an address of its own: no address may open so many so quickly. */
let batches = 1;
const nextAddress = (): string => `127.0.1.${(batches += 1)}`;

let doors: Doors;
let runners: RunnerDoor;
/** Links that are open. */
let links = 0;

beforeEach(async () => {
  doors = await openDoors({ clock: quickClock(quicker) });
  // Connections that are only kept for a next request are swept by Node after this; else after 72 s.
  doors.app.server.keepAliveTimeout = 2_000;
  runners = attachRunnerDoor({
    httpServer: doors.app.server,
    authentication: doors.authentication,
    policy: { host: '127.0.0.1', publicUrl: null },
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
    serverId: 'server-1',
    clock: quickClock(quicker),
    connect: (channel) => {
      links += 1;
      channel.onClose(() => (links -= 1));
    },
  });
});
afterEach(async () => {
  runners.close();
  await doors[Symbol.asyncDispose]();
});

/** How one leaves. */
interface Opened {
  /** As it should be done. */
  close(): void;
  /** The process is gone, the system says so. */
  destroy(): void;
  /** The network is gone, nobody says anything; the file on this side is closed at the end of the test. */
  vanish(): void;
}

/** What is still open on this side. */
const left: (() => void)[] = [];
const vanished = (connection: Connection): void => {
  connection.pause();
  left.push(() => connection.destroy());
};

const webSocket =
  (path: string, namespace: string, ...said: string[]) =>
  async (from: string): Promise<Opened> => {
    const socket = await RawWebSocket.open(doors.port, path, namespace, doors.key, from);
    for (const text of said) socket.send(text);
    return {
      close: () => socket.connection.end(Buffer.of(0x88, 0x80, 0, 0, 0, 0)),
      destroy: () => socket.connection.resetAndDestroy(),
      vanish: () => vanished(socket.connection),
    };
  };

const page = webSocket('/socket.io/', '', '420["subscribe",{"sessionId":"s1","after":0}]', '421["watch",{}]');
const runner = webSocket(runnerDoor.path, `${runnerDoor.namespace},`);

async function polling(from: string): Promise<Opened> {
  const socket = io(doors.url, {
    transports: ['polling'],
    auth: { key: doors.key },
    // Typed for browsers; in Node it is the agent of the requests.
    agent: new Agent({ localAddress: from, keepAlive: true }) as unknown as string,
    reconnection: false,
    forceNew: true,
  });
  await eventually('connected', () => socket.connected);
  await socket.emitWithAck('subscribe', { sessionId: 's1', after: 0 });
  await socket.emitWithAck('watch', {});
  const silent = (): void => {
    const { engine } = socket.io;
    engine.write = () => engine;
    engine.transport.pause?.(() => undefined);
    left.push(() => engine.close());
  };
  return { close: () => void socket.disconnect(), destroy: silent, vanish: silent };
}

const eventStream = (path: string) => async (): Promise<Opened> => {
  await eventually('room for another', async () => (await gauge('holdfast_event_streams')) < 64 - atOnce, 30_000);
  const headers = { authorization: `Bearer ${doors.key}`, accept: 'text/event-stream' };
  const request = get(`${doors.url}${path}`, { headers, agent: false });
  request.on('error', () => undefined);
  const response = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
  response.on('error', () => undefined);
  const data = await new Promise<string>((resolve) => {
    let text = '';
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const [, heartbeat] = /event: heartbeat\ndata: (.*)\n/.exec(text) ?? [];
      if (heartbeat !== undefined) resolve(heartbeat);
    });
  });
  // One of ours: it answers, so it has to go on answering.
  await (await doors.ask('/api/heartbeats', { method: 'POST', body: data })).text();
  const { socket } = response;
  return {
    close: () => socket.end(),
    destroy: () => socket.resetAndDestroy(),
    vanish: () => vanished(socket),
  };
};

/** In the middle of a request. */
async function halfRequest(): Promise<Opened> {
  const socket = connect(doors.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  socket.write('POST /api/sessions/s1/commands HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-le');
  // This one the system is told of: an unfinished request may take its minute.
  const leave = (): void => void socket.destroy();
  return { close: leave, destroy: leave, vanish: leave };
}

const ways: Readonly<Record<string, (from: string) => Promise<Opened>>> = {
  page,
  runner,
  polling,
  changes: eventStream('/api/sessions/changes'),
  session: eventStream('/api/sessions/s1/events'),
  'half a request': halfRequest,
};
const endings = ['close', 'destroy', 'vanish'] as const;

const connections = (): Promise<number> =>
  new Promise((resolve, reject) =>
    doors.app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  );
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
const gauge = async (name: string): Promise<number> =>
  (await doors.metrics.registry.getSingleMetric(name)?.get())?.values[0]?.value ?? NaN;

it('LINK16: of a thousand connections left in every way, no socket, subscription, listener or timer stays', async () => {
  const before = { timers: timers(), connections: await connections() };
  let opened = 0;
  for (const open of Object.values(ways)) {
    for (const ending of endings) {
      for (let done = 0; done < each; done += atOnce) {
        const from = nextAddress();
        const some = await Promise.all(Array.from({ length: atOnce }, () => open(from)));
        opened += some.length;
        for (const one of some) one[ending]();
      }
    }
  }
  expect(opened).toBeGreaterThan(1_000);
  const { application, app } = doors;
  await eventually(
    'nothing is left',
    async () => {
      const counts = {
        connections: (await connections()) - before.connections,
        counted: application.connections,
        subscriptions: application.subscriptions,
        watchers: application.watchers.size,
        links,
        sockets: await gauge('holdfast_sockets'),
        streams: await gauge('holdfast_event_streams'),
      };
      if (Object.values(counts).some((count) => count !== 0)) throw new Error(JSON.stringify(counts));
      return true;
    },
    60_000,
  );
  for (const name of app.server.eventNames()) {
    expect(app.server.listenerCount(name), String(name)).toBeLessThan(listenersAtMost);
  }
  for (const leave of left.splice(0)) leave();
  await eventually(
    'no timer more than before',
    () => {
      if (timers() > before.timers) throw new Error(`${timers()} instead of ${before.timers}`);
      return true;
    },
    30_000,
  );
}, 240_000);
