import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { quickClock } from '@holdfast/testkit/quick-clock.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HoldfastClient } from '../src/client-interface.ts';
import { openEventStream } from '../src/event-stream.ts';
import { fastClock, recorder, renamed, testClient, upTo } from './fixtures.ts';
import { scriptedHttp } from './scripted-http.ts';
import { ScriptedServer, type World, logOf } from './scripted-server.ts';

let world: World;
let server: ScriptedServer;
let client: HoldfastClient;
/** Addresses asked for outside Socket.IO. */
let asked: string[];

beforeEach(async () => {
  world = { logs: new Map() };
  server = await ScriptedServer.start(world);
  asked = [];
  const http = scriptedHttp(server);
  server.http = (request, response) => {
    asked.push(request.url ?? '');
    http(request, response);
  };
});
afterEach(async () => {
  await client.close();
  await server.stop();
});

const connected = (transport: string): Promise<true> =>
  eventually(transport, () => client.connection.get().status === 'live' && client.path.get()?.transport === transport);

it('LINK10: with WebSocket blocked it goes by long-polling and says so', async () => {
  server.faults.sockets = (transport) => (transport === 'websocket' ? 'refuse' : 'serve');
  client = testClient(server.url);
  expect(client.path.get()).toBeNull();
  client.connect();
  await connected('polling');
  expect(asked).toEqual([]);
});

it('LINK10: without sockets it goes by event streams in its first attempt, and back when they can be had; nothing is lost', async () => {
  logOf(world, 's');
  server.append('s', renamed('1'));
  server.faults.sockets = () => 'refuse';
  client = testClient(server.url, { clock: quickClock(40), firstFailure: 'fail' });
  const sink = recorder();
  client.openSession('s', {}, sink);
  client.connect();
  await connected('sse');
  expect(client.notices.get()).toEqual([]);
  server.append('s', renamed('2'));
  const sent = client.send('s', { type: 'message.send', text: 'three' });
  await eventually('stored', () => sent.ok && sent.value.state.get().status === 'stored');
  server.faults.sockets = () => 'serve';
  await connected('websocket');
  server.append('s', renamed('4'));
  await eventually('the last fact', () => sink.seqs.at(-1) === 4);
  expect(sink.seqs).toEqual(upTo(4));
  expect(client.openSessions()).toMatchObject([{ sessionId: 's', lastSeq: 4, resumed: 1, resets: 0 }]);
});

it('LINK10: sockets that hang are given up in time for another way', async () => {
  server.faults.sockets = () => 'hang';
  client = testClient(server.url, { clock: quickClock(40) });
  client.connect();
  await connected('sse');
});

it('LINK10: a change of network is a reason to try the better ways at once', async () => {
  server.faults.sockets = () => 'refuse';
  client = testClient(server.url);
  client.connect();
  await connected('sse');
  server.faults.sockets = () => 'serve';
  client.wake('network-change');
  await connected('websocket');
});

it('LINK5: a refused login is told by the last way, which nothing between can be mistaken for, and ends all attempts', async () => {
  server.faults.refuseLogin = { kind: 'unauthenticated', message: 'log in again' };
  client = testClient(server.url);
  client.connect();
  await eventually('failed', () => client.connection.get().status === 'failed');
  expect(client.connection.get()).toMatchObject({ error: { message: 'log in again' }, remedy: 'login' });
  expect(asked).toEqual(['/api/sessions/changes']);
});

it('LIMIT7: refused for too many connections, it tries no other way, and connects when there is room', async () => {
  const error = { kind: 'quota_exceeded' as const, message: 'close a page' };
  server.faults.refuseLogin = error;
  client = testClient(server.url, { clock: fastClock(40) });
  client.connect();
  await eventually('several attempts', () => client.history.get().lost > 2);
  expect(client.history.get()).toMatchObject({ opened: 0, last: { error } });
  expect(asked).toEqual([]);
  server.faults.refuseLogin = null;
  await connected('websocket');
});

it('LINK8: an event stream that is open and says nothing is found out within 30 s', async () => {
  client = testClient(server.url);
  const silent: Server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('event: hello\ndata: {}\n\n');
  });
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  const clock = quickClock(20);
  const { port } = silent.address() as AddressInfo;
  const told: string[] = [];
  let heardAt = 0;
  let silence = 0;
  openEventStream((signal) => fetch(`http://127.0.0.1:${port}`, { signal }), clock, {
    heard: () => (heardAt = clock.now()),
    heartbeat: () => undefined,
    events: (events) => told.push(...events.map(({ name }) => name)),
    refused: (error) => told.push(`refused ${error.kind}`),
    ended: (error) => {
      silence = clock.now() - heardAt;
      told.push(`ended ${error.kind}`);
    },
  });
  await eventually('the end', () => told.length === 2);
  expect(told).toEqual(['hello', 'ended timeout']);
  // Ended by its own clock, with room for a busy machine.
  expect(silence).toBeGreaterThan(29_000);
  expect(silence).toBeLessThan(60_000);
  silent.closeAllConnections();
  silent.close();
});
