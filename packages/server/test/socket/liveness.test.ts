/** The server finds out which of its clients are gone, and takes nobody for gone who is only slow. */
import { get } from 'node:http';
import { createClient } from '@holdfast/link/client.ts';
import { memoryOutbox } from '@holdfast/link/memory-outbox.ts';
import { runnerDoor } from '@holdfast/link/runner-door.ts';
import { systemClock } from '@holdfast/link/system-clock.ts';
import { livenessTimes } from '@holdfast/core/link/liveness.ts';
import type { Transport } from '@holdfast/core/client/transport-choice.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { quickClock } from '@holdfast/testkit/quick-clock.ts';
import { pino } from 'pino';
import { io } from 'socket.io-client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMetrics } from '../../src/health/metrics.ts';
import { attachRunnerDoor } from '../../src/socket/runner-door.ts';
import { type Doors, openDoors } from '../http/doors.ts';
import { RawWebSocket, frame } from './raw-web-socket.ts';

/** A ping each 300 ms, and 600 ms until one is taken for gone. */
const quicker = 50;
const staleMs = livenessTimes.stale / quicker;

let doors: Doors;
const closers: (() => void | PromiseLike<void>)[] = [];
beforeEach(async () => {
  doors = await openDoors({ clock: quickClock(quicker) });
  closers.push(() => doors[Symbol.asyncDispose]());
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const page = async (): Promise<RawWebSocket> => {
  const socket = await RawWebSocket.open(doors.port, '/socket.io/', '', doors.key);
  closers.push(() => socket.destroy());
  return socket;
};
const subscribed = async (socket: RawWebSocket): Promise<void> => {
  socket.send('420["subscribe",{"sessionId":"s1","after":0}]');
  await eventually('synced', () => socket.received.includes('"synced"'));
};
/** Since `began`, in the server's own time. */
const elapsed = (began: number): number => (performance.now() - began) * quicker;

it('LINK8: a WebSocket whose client is gone without a word is found out, and gives back what it had', async () => {
  const socket = await page();
  await subscribed(socket);
  const began = performance.now();
  expect([doors.application.connections, doors.application.subscriptions]).toEqual([1, 1]);
  await eventually('given back', () => doors.application.connections + doors.application.subscriptions === 0);
  expect(elapsed(began)).toBeGreaterThan(livenessTimes.stale * 0.9);
  expect(elapsed(began)).toBeLessThan(livenessTimes.stale * 1.5);
  expect(socket.received).toMatch(/42\d?\["ping",\{"nonce":"[^"]+"\}\]/);
  await eventually('its connection is closed', () => socket.closed);
});

it('LINK8: so is one that stopped in the middle of a message, and one that takes nothing', async () => {
  const half = await page();
  half.sendHalf(`42["ping",{"nonce":"${'x'.repeat(60)}"}]`);
  const stuck = await page();
  await subscribed(stuck);
  stuck.connection.pause();
  doors.application.append('s1', ...Array.from({ length: 30 }, () => 'x'.repeat(64 * 1024)));
  await eventually('given back', () => doors.application.connections + doors.application.subscriptions === 0);
  await eventually('the connections are closed', () => half.closed && doors.app.server.listening);
});

it('LINK8: a long-polling client that comes no more is found out', async () => {
  const socket = io(doors.url, { transports: ['polling'], auth: { key: doors.key }, reconnection: false });
  closers.push(() => void socket.disconnect());
  await eventually('connected', () => socket.connected && doors.application.connections === 1);
  // It asks for more and hears it, and never says anything.
  socket.io.engine.write = () => socket.io.engine;
  await eventually('given back', () => doors.application.connections === 0);
});

it('LINK8: any byte is a sign of life: a message that takes long, and a client of another make', async () => {
  const slow = await page();
  const foreign = await page();
  const bytes = frame(`420["ping",{"nonce":"${'x'.repeat(50)}"}]`);
  for (const byte of bytes) {
    slow.connection.write(Buffer.of(byte));
    foreign.send('3');
    await new Promise((next) => setTimeout(next, (staleMs * 4) / bytes.length));
  }
  await eventually('its answer', () => slow.received.includes('430[{'));
  expect([slow.closed, foreign.closed, doors.application.connections]).toEqual([false, false, 2]);
});

it.each<Transport>(['websocket', 'polling', 'sse'])(
  'LINK8: our own client answers, so that it lives however little it has to say (%s)',
  async (transport) => {
    const client = createClient({
      url: doors.url,
      key: doors.key,
      storage: memoryOutbox(),
      firstFailure: 'fail',
      // Its own pings are due long after this test.
      clock: systemClock,
      random: Math.random,
      makeId: () => crypto.randomUUID(),
      transports: [transport],
    });
    closers.push(() => client.close());
    client.connect();
    client.openSession('s1', {}, { facts: () => undefined, reset: () => undefined });
    await eventually('live', () => client.connection.get().status === 'live');
    const { since } = client.path.get() ?? { since: '' };
    const began = performance.now();
    await eventually('many times the silence', () => performance.now() - began > 5 * staleMs);
    expect(client.connection.get().status).toBe('live');
    expect(client.path.get()?.since).toBe(since);
    expect(doors.application.subscriptions).toBe(1);
  },
);

it('LINK8: a runner that is gone without a word is found out, and its link closes', async () => {
  const closes: string[] = [];
  const runners = attachRunnerDoor({
    httpServer: doors.app.server,
    authentication: doors.authentication,
    policy: { host: '127.0.0.1', publicUrl: null },
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
    serverId: 'server-1',
    clock: quickClock(quicker),
    connect: (channel) => channel.onClose(() => closes.push('closed')),
  });
  closers.push(() => runners.close());
  const { path, namespace } = runnerDoor;
  const runner = await RawWebSocket.open(doors.port, path, `${namespace},`, doors.key);
  closers.push(() => runner.destroy());
  await eventually('its link is closed', () => closes.length === 1 && runner.closed);
});

/** An event stream by hand; `answering`: heartbeats are answered until it says no. */
function stream(answering: () => boolean): { readonly text: string; readonly ended: boolean; pause(): void } {
  const state = { text: '', ended: false, pause: () => void request.pause() };
  const headers = { authorization: `Bearer ${doors.key}`, accept: 'text/event-stream' };
  const opened = get(`${doors.url}/api/sessions/s1/events`, { headers }, (response) => {
    response.setEncoding('utf8').on('data', (text: string) => {
      state.text += text;
      const [, data] = /event: heartbeat\ndata: (.*)\n/.exec(text) ?? [];
      if (data !== undefined && answering()) {
        doors.ask('/api/heartbeats', { method: 'POST', body: data }).catch(() => undefined);
      }
    });
    response.once('close', () => (state.ended = true)).on('error', () => undefined);
  });
  const request = { pause: () => opened.socket?.pause() };
  opened.on('error', () => undefined);
  closers.push(() => void opened.destroy());
  return state;
}

it('LINK17: an event stream whose client stops answering ends; one that never answered goes on while it takes', async () => {
  let answering = true;
  const ours = stream(() => answering);
  const curl = stream(() => false);
  await eventually('both', () => doors.application.subscriptions === 2 && ours.text.split('heartbeat').length > 5);
  answering = false;
  await eventually('ours has ended', () => ours.ended);
  expect(doors.application.subscriptions).toBe(1);
  const before = curl.text.split('heartbeat').length;
  await eventually('the other goes on', () => curl.text.split('heartbeat').length > before + 5);
});

it('LINK17: an event stream that takes nothing although something waits for it ends', async () => {
  const stuck = stream(() => false);
  await eventually('open', () => stuck.text.includes('synced'));
  stuck.pause();
  // More than the system keeps for it.
  doors.application.append('s1', ...Array.from({ length: 150 }, () => 'x'.repeat(64 * 1024)));
  await eventually('given back', () => doors.application.subscriptions === 0);
});
