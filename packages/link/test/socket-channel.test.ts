import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import { afterEach, expect, it } from 'vitest';
import type { Channel } from '../src/channel.ts';
import { type ChannelDialler, channelDialler } from '../src/channel-dialler.ts';
import { runnerDoor, runnerLimits, serverLimits } from '../src/runner-door.ts';
import type { ChannelLimits } from '../src/socket-channel.ts';
import { systemClock } from '../src/system-clock.ts';
import { channelContract, type TestMessage } from './channel-contract.ts';
import { ChannelServer } from './channel-server.ts';

interface Dialled {
  readonly dialler: ChannelDialler;
  readonly channels: Channel<TestMessage, TestMessage>[];
  readonly reported: ErrorBody[];
}

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface DialTo {
  transports?: ('websocket' | 'polling')[];
  limits?: ChannelLimits;
  tooLarge?: (message: TestMessage) => TestMessage | null;
}

function dialTo(url: string, { transports, limits = runnerLimits, tooLarge = () => null }: DialTo = {}): Dialled {
  const random = seededRandom(5);
  const channels: Channel<TestMessage, TestMessage>[] = [];
  const reported: ErrorBody[] = [];
  const dialler = channelDialler<TestMessage, TestMessage>({
    dial: { url, key: 'hf_key', door: runnerDoor, ...(transports === undefined ? {} : { transports }) },
    limits,
    clock: systemClock,
    // Near zero, so that pauses are short.
    random: () => random.next() / 50,
    tooLarge,
    onChannel: (channel) => void channels.push(channel),
    onFirstFailure: (error) => void reported.push(error),
  });
  closers.push(() => dialler.close());
  dialler.connect();
  return { dialler, channels, reported };
}

async function serve(limits: ChannelLimits = serverLimits, port = 0): Promise<ChannelServer> {
  const server = await ChannelServer.start(limits, port);
  closers.push(() => server.close());
  return server;
}

const first = (channels: readonly Channel<TestMessage, TestMessage>[]) => eventually('a channel', () => channels[0]);

for (const transport of ['websocket', 'polling'] as const) {
  channelContract(`over Socket.IO by ${transport}`, async () => {
    const server = await ChannelServer.start(serverLimits);
    const { dialler, channels } = dialTo(server.url, { transports: [transport] });
    return {
      left: await first(channels),
      right: await first(server.channels),
      async [Symbol.asyncDispose]() {
        dialler.close();
        await server.close();
      },
    };
  });
}

it('LINK5: each connection is a fresh channel; a server that went is dialled again', async () => {
  const server = await serve();
  const { dialler, channels } = dialTo(server.url);
  const one = await first(channels);
  let closes = 0;
  one.onClose(() => (closes += 1));
  const { port } = server;
  await server.close();
  await eventually('lost', () => closes === 1 && dialler.connection.get().status !== 'live');
  const again = await serve(serverLimits, port);
  const two = await eventually('again', () => channels[1]);
  const right = await first(again.channels);
  const got: TestMessage[] = [];
  right.onMessage((message) => void got.push(message));
  one.send({ number: 1 });
  two.send({ number: 2 });
  await eventually('through', () => got.length > 0);
  expect(got).toEqual([{ number: 2 }]);
  expect(dialler.connection.get().status).toBe('live');
});

it('LINK5: a failed first connect is told once, however often it fails, and tried again', async () => {
  const gone = await serve();
  const { port, url } = gone;
  await gone.close();
  const { dialler, reported } = dialTo(url);
  await eventually('several attempts', () => {
    const view = dialler.connection.get();
    return view.status === 'backoff' && view.attempt >= 3;
  });
  expect(reported.map((error) => error.kind)).toEqual(['unavailable']);
  await serve(serverLimits, port);
  await eventually('live', () => dialler.connection.get().status === 'live');
  expect(reported).toHaveLength(1);
});

it('LINK5: a refused key stops the dialling and says so', async () => {
  for (const transport of ['websocket', 'polling'] as const) {
    const server = await serve();
    server.letIn = false;
    const { dialler, reported } = dialTo(server.url, { transports: [transport] });
    const view = await eventually('failed', () => {
      const now = dialler.connection.get();
      return now.status === 'failed' && now;
    });
    expect(view).toMatchObject({ remedy: 'login', error: { kind: 'unauthenticated' } });
    expect([server.attempts, reported.length]).toEqual([1, 1]);
  }
});

it('LINK5: a server of another version stops the dialling and says so', async () => {
  const server = await serve();
  server.version += 1;
  const { dialler } = dialTo(server.url);
  await eventually('failed', () => dialler.connection.get().status === 'failed');
  expect(dialler.connection.get()).toMatchObject({ remedy: 'reload', error: { kind: 'unsupported_version' } });
});

it('LINK5: a channel closed here, or redialled, is replaced by a fresh one', async () => {
  const server = await serve();
  const { dialler, channels } = dialTo(server.url);
  (await first(channels)).close();
  await eventually('second', () => channels[1] !== undefined);
  dialler.redial({ kind: 'unavailable', message: 'again' });
  await eventually('third', () => channels[2] !== undefined);
});

it('LINK8: it answers what the server asks, with the same nonce', async () => {
  const server = await serve();
  await first(dialTo(server.url).channels);
  expect(await server.sockets[0]?.emitWithAck('ping', { nonce: 'who is there' })).toEqual({ nonce: 'who is there' });
});

it('LINK15: told that the server goes, it dials again and nothing is wrong', async () => {
  const server = await serve();
  const { dialler, channels, reported } = dialTo(server.url);
  await first(channels);
  const seen = new Set<string>();
  dialler.connection.subscribe((view) => seen.add(view.status));
  server.sockets[0]?.emit('drain', { withinMs: 50 });
  await eventually('another channel', () => channels.length === 2 && server.sockets[0]?.connected === false);
  expect([...seen].toSorted()).toEqual(['catching-up', 'live', 'moving']);
  expect(reported).toEqual([]);
});

it('LINK13: what the other end does not take counts, and beyond its bound the channel closes', async () => {
  const limits = { message: 1_000_000, outgoing: 3_000_000, incoming: 1_000_000 };
  const server = await serve(limits);
  // An end that hears and never takes: it does not even listen.
  const { channels } = dialTo(server.url, { limits: { ...runnerLimits, incoming: Infinity } });
  await first(channels);
  const channel = await first(server.channels);
  let closes = 0;
  channel.onClose(() => (closes += 1));
  const block = new Uint8Array(500_000);
  for (let sent = 0; sent < 5; sent += 1) channel.send({ number: sent, data: block });
  expect(channel.bufferedBytes).toBeGreaterThanOrEqual(2_500_000);
  expect(closes).toBe(0);
  channel.send({ number: 6, data: block });
  await eventually('closed', () => closes === 1);
  expect(channel.bufferedBytes).toBe(0);
});

it('LINK13: an end that listens to nothing takes only so much', async () => {
  const server = await serve({ ...serverLimits, incoming: 1_000_000 });
  const { channels } = dialTo(server.url);
  const channel = await first(channels);
  let closes = 0;
  channel.onClose(() => (closes += 1));
  for (let sent = 0; sent < 3; sent += 1) channel.send({ number: sent, data: new Uint8Array(500_000) });
  await eventually('closed', () => closes === 1);
});

it('LINK13: a message beyond the bound is replaced by a smaller one, or left out', async () => {
  const server = await serve();
  const { channels } = dialTo(server.url, {
    limits: { ...runnerLimits, message: 1_000 },
    tooLarge: ({ number, data }) => (data === undefined ? null : { number }),
  });
  const channel = await first(channels);
  const got: TestMessage[] = [];
  (await first(server.channels)).onMessage((message) => void got.push(message));
  channel.send({ number: 1, data: new Uint8Array(2_000) });
  channel.send({ number: 2, text: 'x'.repeat(2_000) });
  channel.send({ number: 3 });
  await eventually('the last', () => got.at(-1)?.number === 3);
  expect(got).toEqual([{ number: 1 }, { number: 3 }]);
});
