/** A screen is acknowledged each time it comes: the server sends no more before, wherever its output ends. */
import { type Result, ok } from '@holdfast/protocol/error.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { expect, it } from 'vitest';
import { FollowedSession } from '../src/followed-session.ts';
import type { Push } from '../src/push.ts';
import { systemClock } from '../src/system-clock.ts';
import { recorder, testClient } from './fixtures.ts';
import { ScriptedServer, type World, logOf } from './scripted-server.ts';

const screen = { offset: 3, cols: 80, rows: 24, ansi: 'abc' };

it('STREAM4: a socket is told that a screen was parsed also where output up to there was parsed before', async () => {
  const world: World = { logs: new Map() };
  const server = await ScriptedServer.start(world);
  logOf(world, 't');
  const client = testClient(server.url);
  const sink = recorder();
  const handle = client.openSession('t', { tty: { from: 0 } }, sink);
  client.connect();
  await eventually('live', () => client.connection.get().status === 'live');
  server.print('t', 'abc');
  await eventually('output', () => sink.parsedTo === 3);
  handle.parsed(3);
  const told = (): number => server.asked.filter(({ name }) => name === 'parsed').length;
  await eventually('told', () => told() === 1);
  server.push('screen', { sessionId: 't', screen });
  await eventually('the screen', () => sink.calls.includes('screen 3'));
  handle.parsed(3);
  await eventually('told again', () => told() === 2);
  await client.close();
  await server.stop();
});

it('STREAM4: an event stream, too, also while credit from before the screen is still on its way', async () => {
  let stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (stream = controller) });
  const say = (name: string, data: object): void =>
    stream?.enqueue(new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`));
  const told: { offset: number; answer: (result: Result<unknown>) => void }[] = [];
  const pushes: Push[] = [];
  let resumed = false;
  const followed = new FollowedSession('t', {
    clock: systemClock,
    ask: () => Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } })),
    tellParsed: (_streamId, offset) => new Promise((answer) => void told.push({ offset, answer })),
    answered: () => (resumed = true),
    heard: () => undefined,
    heartbeat: () => undefined,
    pushed: (push) => void pushes.push(push),
    lost: () => undefined,
  });
  say('resume', { verdict: 'ok', lastSeq: 0, oldestSeq: 1, streamId: 'st' });
  await eventually('open', () => resumed);
  followed.parsed(3);
  expect(told.map(({ offset }) => offset)).toEqual([3]);
  say('screen', screen);
  await eventually('the screen', () => pushes.some(({ type }) => type === 'screen'));
  followed.parsed(3);
  told[0]?.answer(ok(null));
  await eventually('told again', () => told.length === 2);
  expect(told[1]?.offset).toBe(3);
  followed.close();
});
