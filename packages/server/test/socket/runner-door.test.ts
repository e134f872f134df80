import { runnerDoor, runnerLimits } from '@holdfast/link/runner-door.ts';
import type { Channel } from '@holdfast/link/channel.ts';
import type { ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { pino } from 'pino';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMetrics } from '../../src/health/metrics.ts';
import { attachRunnerDoor, type RunnerDoor } from '../../src/socket/runner-door.ts';
import { type Doors, openDoors } from '../http/doors.ts';
import { randomValue } from '../http/mutations.ts';

interface Linked {
  readonly channel: Channel<ToRunner, ToServer>;
  readonly ownerId: string;
  readonly heard: ToServer[];
}

let doors: Doors;
let runnerDoors: RunnerDoor;
let linked: Linked[];
const sockets: Socket[] = [];

beforeEach(async () => {
  doors = await openDoors();
  linked = [];
  runnerDoors = attachRunnerDoor({
    httpServer: doors.app.server,
    authentication: doors.authentication,
    policy: { host: '127.0.0.1', publicUrl: null },
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
    serverId: 'server-1',
    recheckMs: 30,
    connect: (channel, ownerId) => {
      const heard: ToServer[] = [];
      channel.onMessage((message) => void heard.push(message));
      linked.push({ channel, ownerId, heard });
    },
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  runnerDoors.close();
  await doors[Symbol.asyncDispose]();
});

interface OpenOptions {
  key?: string;
  headers?: Record<string, string>;
  transport?: 'websocket' | 'polling';
  namespace?: string;
  path?: string;
}

function open(options: OpenOptions): Socket {
  const { key, headers, transport = 'websocket', namespace = runnerDoor.namespace, path = runnerDoor.path } = options;
  const socket = io(`${doors.url}${namespace}`, {
    path,
    transports: [transport],
    reconnection: false,
    forceNew: true,
    ...(key === undefined ? {} : { auth: { key } }),
    extraHeaders: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
  });
  sockets.push(socket);
  return socket;
}

async function linkedSocket(): Promise<{ socket: Socket; end: Linked }> {
  const socket = open({ key: doors.key });
  await eventually('connected', () => socket.connected && linked.length > 0);
  const end = linked.at(-1);
  if (end === undefined) throw new Error('not linked');
  return { socket, end };
}

/** "connected", or the HTTP status of the handshake, or what the door said. */
function outcome(options: OpenOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = open(options);
    socket.once('connect', () => resolve('connected'));
    socket.once('connect_error', (error: Error & { description?: unknown; data?: { kind: string } }) => {
      const { description, data } = error;
      const text = String((description as { message?: string } | undefined)?.message ?? description);
      resolve(data?.kind ?? /\b\d{3}\b/.exec(text)?.[0] ?? 'hung up');
    });
  });
}

it('AUTH1, AUTH4: only a key opens it, before anything of the runner is read', async () => {
  const { key, cookie, url } = doors;
  const wrong = `hf_${'x'.repeat(64)}`;
  for (const transport of ['websocket', 'polling'] as const) {
    expect(await outcome({ key, transport })).toBe('connected');
    expect(await outcome({ key: wrong, transport })).toBe('403');
    expect(await outcome({ transport })).toBe('403');
    expect(await outcome({ headers: { cookie, origin: url }, transport })).toBe('403');
    expect(await outcome({ key, namespace: '/', transport })).toBe('bad_request');
  }
  expect(await outcome({ key, headers: { host: 'evil.example' } })).toBe('403');
  // The door of pages has none for runners.
  expect(await outcome({ key, path: '/socket.io/' })).not.toBe('connected');
  expect(linked).toHaveLength(2);
});

it('AUTH8, LINK5: who is slowed down is hung up on, which a runner takes for passing', async () => {
  doors.authentication.login = () =>
    Promise.resolve({ ok: false, error: { kind: 'rate_limited', message: 'slowly', retryAfterMs: 5 } });
  expect(await outcome({ key: doors.key })).toBe('hung up');
  doors.authentication.login = () => Promise.reject(new Error('a bug'));
  expect(await outcome({ key: doors.key })).toBe('hung up');
});

it('AUTH1: a link whose key is no longer one ends', async () => {
  const { socket, end } = await linkedSocket();
  let closes = 0;
  end.channel.onClose(() => (closes += 1));
  doors.authentication.login = () =>
    Promise.resolve({ ok: false, error: { kind: 'unauthenticated', message: 'gone' } });
  await eventually('ended', () => !socket.connected && closes === 1);
});

it('LINK12: the owner of the key is the owner of the runner; hello and ping are answered', async () => {
  const { socket, end } = await linkedSocket();
  const me = (await (await doors.ask('/api/me')).json()) as { id: string };
  expect(end.ownerId).toBe(me.id);
  expect(await socket.emitWithAck('hello', { protocolVersion })).toMatchObject({ ok: true, serverId: 'server-1' });
  expect(await socket.emitWithAck('hello', { protocolVersion: 99 })).toMatchObject({
    ok: false,
    error: { kind: 'unsupported_version' },
  });
  expect(await socket.emitWithAck('ping', { nonce: 'n' })).toEqual({ ok: true, nonce: 'n' });
});

it('LINK11: a report with a screen of many times the size of a page’s packet comes through, and back', async () => {
  const { socket, end } = await linkedSocket();
  const ansi = '\u001b[1m'.repeat(1_500_000);
  expect(ansi.length).toBeGreaterThan(runnerLimits.message / 2);
  const data = Buffer.alloc(1024 * 1024, 7);
  socket.emit('message', { type: 'report', ansi, data });
  await eventually('heard', () => end.heard.length === 1);
  const heard = end.heard[0] as unknown as { ansi: string; data: Uint8Array };
  expect(heard.ansi === ansi).toBe(true);
  expect(Buffer.compare(heard.data, data)).toBe(0);
});

it('WIRE5: garbage harms nobody, and much of it ends the link', async () => {
  const random = seededRandom(11);
  const { socket, end } = await linkedSocket();
  const other = await linkedSocket();
  for (let count = 0; count < 90; count += 1) {
    const acknowledge = count % 2 === 0 ? [(): void => undefined] : [];
    socket.emit(['hello', 'ping', 'taken', 'whatever', ''][count % 5] ?? '', randomValue(random), ...acknowledge);
  }
  expect(await socket.emitWithAck('ping', { nonce: 'alive' })).toEqual({ ok: true, nonce: 'alive' });
  end.channel.send({ type: 'abandon', sessionId: 's' });
  await eventually('taken', () => end.channel.bufferedBytes > 0);
  socket.emit('taken', 1);
  await eventually('all', () => end.channel.bufferedBytes === 0);
  for (let count = 0; count < 101; count += 1) socket.emit('whatever');
  await eventually('ended', () => !socket.connected);
  expect(await other.socket.emitWithAck('ping', { nonce: 'n' })).toEqual({ ok: true, nonce: 'n' });
});

it('LINK1: a closing server ends links in a way that runners come again', async () => {
  const { socket } = await linkedSocket();
  let reason = '';
  socket.once('disconnect', (why) => (reason = why));
  runnerDoors.close();
  await eventually('disconnected', () => reason !== '');
  expect(reason).toBe('transport close');
});
