/** Doors over a real feed: what a client that takes nothing costs, and that it goes on where it was. */
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { ok } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SessionFeed } from '../../src/application/session-feed.ts';
import { type Doors, openDoors } from '../http/doors.ts';
import { base } from '../http/fake-application.ts';

const at = '2026-01-01T00:00:00.000Z';
const text = 'x'.repeat(64 * 1024);
const fact = (seq: number): Fact => ({
  seq,
  at,
  type: 'message.user',
  data: { messageId: `m${seq}`, turnId: null, text },
});

let doors: Doors;
let facts: Fact[];
let feed: SessionFeed;
/** The greatest seq that was read for anybody. */
let read: number;
const sockets: Socket[] = [];

beforeEach(async () => {
  doors = await openDoors();
  facts = [];
  read = 0;
  feed = new SessionFeed({
    factsAfter: async (_id, after, limit) => {
      await turn();
      const page = facts.slice(after, after + limit);
      read = Math.max(read, page.at(-1)?.seq ?? 0);
      return { facts: page, lastSeq: facts.length, oldestSeq: 1 };
    },
    factsTail: async (_id, limit) => {
      await turn();
      return { facts: facts.slice(-limit), lastSeq: facts.length, oldestSeq: 1, state: base };
    },
  });
  doors.application.subscribe = async (_login, { sessionId, after }, sink) => {
    const subscribed = await feed.subscribe(sessionId, after, sink);
    return subscribed.ok ? ok({ ...subscribed.value, parsed: () => undefined }) : subscribed;
  };
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await doors[Symbol.asyncDispose]();
});

function append(count: number): void {
  const added = Array.from({ length: count }, (_, index) => fact(facts.length + index + 1));
  facts.push(...added);
  feed.publish('s1', added);
}

async function watcher(transports: string[]) {
  const socket = io(doors.url, { transports, auth: { key: doors.key }, reconnection: false, forceNew: true });
  sockets.push(socket);
  const state = { got: [] as number[], synced: 0, closed: false };
  socket.on('facts', (message: { facts: Fact[] }) => state.got.push(...message.facts.map(({ seq }) => seq)));
  socket.on('synced', ({ seq }: { seq: number }) => (state.synced = seq));
  socket.on('disconnect', () => (state.closed = true));
  await eventually('connected', () => socket.connected);
  const stuck = (is: boolean): void => {
    const { ws } = socket.io.engine.transport as unknown as { ws: { pause(): void; resume(): void } };
    if (is) ws.pause();
    else ws.resume();
  };
  const subscribe = (): Promise<unknown> =>
    socket.timeout(5_000).emitWithAck('subscribe', { sessionId: 's1', after: 0 });
  return { state, stuck, subscribe };
}

const everything = (): number[] => facts.map(({ seq }) => seq);

it('STREAM6: a socket that takes nothing is read for no further, stays open, and goes on when it takes again', async () => {
  const [slow, quick, polling] = [
    await watcher(['websocket']),
    await watcher(['websocket']),
    await watcher(['polling']),
  ];
  for (const one of [slow, quick, polling]) await one.subscribe();
  slow.stuck(true);
  // 40 MiB, in blocks that are live for the others.
  for (let block = 0; block < 64; block += 1) {
    append(10);
    await turn();
  }
  await eventually(
    'the others have all',
    () => quick.state.got.length === 640 && polling.state.got.length === 640,
    30_000,
  );
  expect(doors.log()).not.toContain('does not take what it is sent');
  expect(slow.state.got.length).toBeLessThan(300);
  slow.stuck(false);
  await eventually('it has all, too', () => slow.state.got.length === 640);
  for (const { state } of [slow, quick, polling]) {
    expect(state.got).toEqual(everything());
    expect(state.closed).toBe(false);
  }
}, 60_000);

it('STREAM6: an event stream that takes nothing is read for no further, stays open, and goes on when it takes again', async () => {
  append(640);
  const socket = connect(doors.port, '127.0.0.1');
  socket.write(
    `GET /api/sessions/s1/events HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\nauthorization: Bearer ${doors.key}\r\n\r\n`,
  );
  socket.pause();
  await eventually('the first pages are read', () => read >= 100);
  const before = read;
  for (let round = 0; round < 100; round += 1) await turn();
  expect(read).toBeLessThan(400);
  expect(before).toBeLessThan(400);
  const ids: number[] = [];
  let rest = '';
  let ended = false;
  socket
    .on('data', (data) => {
      rest += data.toString('latin1');
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('id: ')) ids.push(Number(line.slice(4)));
    })
    .on('end', () => (ended = true))
    .resume();
  await eventually('all', () => ids.length === 640);
  expect(ids).toEqual(everything());
  expect(ended).toBe(false);
  socket.destroy();
}, 60_000);
