import { once } from 'node:events';
import { connect } from 'node:net';
import { runnerDoor } from '@holdfast/link/runner-door.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { pino } from 'pino';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { drainTimes } from '../../src/health/drain.ts';
import { createMetrics } from '../../src/health/metrics.ts';
import { attachRunnerDoor } from '../../src/socket/runner-door.ts';
import { type Doors, openDoors } from '../http/doors.ts';

let doors: Doors;
const closers: (() => void | PromiseLike<void>)[] = [];

beforeEach(async () => {
  doors = await openDoors();
  closers.push(() => doors[Symbol.asyncDispose]());
  const runners = attachRunnerDoor({
    httpServer: doors.app.server,
    authentication: doors.authentication,
    policy: { host: '127.0.0.1', publicUrl: null },
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
    serverId: 'server-1',
    drain: doors.drain,
    connect: () => undefined,
  });
  closers.push(() => runners.close());
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const headers = (): Record<string, string> => ({ authorization: `Bearer ${doors.key}` });

function dial(namespace = '', path = '/socket.io/'): Socket {
  const socket = io(`${doors.url}${namespace}`, {
    ...{ path, transports: ['websocket'], reconnection: false, forceNew: true },
    extraHeaders: headers(),
  });
  closers.push(() => void socket.disconnect());
  return socket;
}

async function stream() {
  const aborter = new AbortController();
  closers.push(() => aborter.abort());
  const response = await doors.ask('/api/sessions/changes', { signal: aborter.signal });
  const state = { text: '', leave: () => aborter.abort() };
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const piece of response.body ?? []) state.text += decoder.decode(piece);
  };
  read().catch(() => undefined);
  await eventually('the stream', () => state.text.includes('hello'));
  return state;
}

it('LINK15: a server that goes tells everybody, lets nobody in, answers what is asked, and is done when all have gone', async () => {
  const [page, runner, events] = [dial(), dial(runnerDoor.namespace, runnerDoor.path), await stream()];
  const told: string[] = [];
  page.on('drain', (message) => told.push(`page ${JSON.stringify(message)}`));
  runner.on('drain', (message) => told.push(`runner ${JSON.stringify(message)}`));
  await eventually('connected', () => page.connected && runner.connected);
  expect((await fetch(`${doors.url}/readyz`)).status).toBe(200);

  const began = performance.now();
  const done = doors.drain.run();
  await eventually('all are told', () => told.length === 2 && events.text.includes('event: drain'));
  const within = JSON.stringify({ withinMs: drainTimes.within });
  expect(told.toSorted()).toEqual([`page ${within}`, `runner ${within}`]);

  const ready = await fetch(`${doors.url}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([503, { ready: false, checks: { closing: { ok: false } } }]);
  const newcomer = dial();
  const refusal = await new Promise<unknown>((resolve) =>
    newcomer.once('connect_error', (error: Error & { data?: unknown }) => resolve(error.data)),
  );
  expect(refusal).toMatchObject({ kind: 'unavailable', retryAfterMs: drainTimes.within });
  const late = dial(runnerDoor.namespace, runnerDoor.path);
  await new Promise((resolve) => late.once('connect_error', resolve));
  const another = await doors.ask('/api/sessions/s1/events', { headers: { accept: 'text/event-stream' } });
  expect([another.status, await another.json()]).toMatchObject([503, { error: { kind: 'unavailable' } }]);
  const command = JSON.stringify({ id: 'c1', type: 'turn.stop' });
  expect((await doors.ask('/api/sessions/s1/commands', { method: 'POST', body: command })).status).toBe(202);
  expect(await page.emitWithAck('ping', { nonce: 'n' })).toMatchObject({ ok: true });

  page.disconnect();
  runner.disconnect();
  events.leave();
  expect(await done).toBe(0);
  expect(performance.now() - began).toBeLessThan(drainTimes.limit);
});

it('LINK15: a connection over which nothing was ever asked is not waited for', async () => {
  const { port } = new URL(doors.url);
  const ahead = connect(Number(port), '127.0.0.1');
  closers.push(() => void ahead.destroy());
  await once(ahead, 'connect');
  // Accepted after it.
  await fetch(`${doors.url}/readyz`);
  const began = performance.now();
  await doors.app.close();
  expect(performance.now() - began).toBeLessThan(1_500);
});

it('LINK15: who does not go is not waited for', async () => {
  const page = dial();
  await eventually('connected', () => page.connected);
  expect(await doors.drain.run()).toBe(1);
});
