import { socketAnswerSchemas } from '@holdfast/protocol/socket.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Doors, openDoors } from '../http/doors.ts';
import { mutate, randomValue } from '../http/mutations.ts';

let doors: Doors;
const sockets: Socket[] = [];
beforeEach(async () => {
  doors = await openDoors({ recheckMs: 30 });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await doors[Symbol.asyncDispose]();
});

interface ConnectOptions {
  key?: string;
  headers?: Record<string, string>;
  transports?: string[];
}

function open({ key, headers, transports = ['websocket'] }: ConnectOptions): Socket {
  const auth = key === undefined ? {} : { key };
  const socket = io(doors.url, { transports, auth, extraHeaders: headers, reconnection: false, forceNew: true });
  sockets.push(socket);
  return socket;
}

async function connected(options: ConnectOptions = { key: doors.key }): Promise<Socket> {
  const socket = open(options);
  await eventually('connected', () => socket.connected);
  return socket;
}

/** "connected", or the kind of the refusal, or "refused" where the handshake already was. */
function outcome(options: ConnectOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = open(options);
    socket.once('connect', () => resolve('connected'));
    socket.once('connect_error', (error: Error & { data?: { kind: string } }) =>
      resolve(error.data?.kind ?? 'refused'),
    );
  });
}

const ask = (socket: Socket, name: string, ...values: unknown[]): Promise<Record<string, unknown>> =>
  socket.timeout(5_000).emitWithAck(name, ...values) as Promise<Record<string, unknown>>;
const kindOf = (answer: Record<string, unknown>): string =>
  answer['ok'] === true ? 'ok' : (answer['error'] as { kind: string }).kind;

describe('who may connect', () => {
  it('LIMIT2: a connection beyond the quota is refused, and one that ended is given back', async () => {
    const { application, key } = doors;
    application.connectionLimit = 2;
    const first = await connected({ key });
    await connected({ key });
    expect(await outcome({ key })).toBe('quota_exceeded');
    first.disconnect();
    await eventually('given back', () => application.connections === 1);
    expect(await outcome({ key, transports: ['polling'] })).toBe('connected');
    for (const socket of sockets.splice(0)) socket.disconnect();
    await eventually('all given back', () => application.connections === 0);
  });

  it('AUTH1, AUTH3, AUTH4: login × Origin × Host × transport', async () => {
    const { cookie, key, url } = doors;
    const wrong = `hf_${'x'.repeat(64)}`;
    const table: [ConnectOptions, string][] = [
      [{}, 'unauthenticated'],
      [{ key: wrong }, 'unauthenticated'],
      [{ key: '' }, 'unauthenticated'],
      [{ key: wrong, headers: { cookie, origin: url } }, 'unauthenticated'],
      [{ key }, 'connected'],
      [{ headers: { authorization: `Bearer ${key}` } }, 'connected'],
      [{ key, headers: { origin: 'http://evil.example' } }, 'refused'],
      [{ key, headers: { host: 'evil.example' } }, 'refused'],
      [{ headers: { cookie } }, 'forbidden'],
      [{ headers: { cookie, origin: url } }, 'connected'],
      [{ headers: { cookie, origin: `http://localhost:${doors.port}` } }, 'connected'],
      [{ headers: { cookie, origin: 'https://terminal.example.org' } }, 'connected'],
      [{ headers: { cookie, origin: 'http://evil.example' } }, 'refused'],
      [{ headers: { cookie, origin: 'null' } }, 'refused'],
      // Long-polling begins with a GET, for which browsers send a Referer and no Origin.
      [{ headers: { cookie, referer: `${url}/sessions/s1` } }, 'connected'],
      [{ headers: { cookie, referer: 'http://evil.example/' } }, 'refused'],
      [{ headers: { cookie: 'a=b', origin: url } }, 'unauthenticated'],
    ];
    for (const transports of [['websocket'], ['polling']]) {
      for (const [options, expected] of table) {
        // The polling client does not let its Host be chosen.
        if (transports[0] === 'polling' && options.headers?.['host'] !== undefined) continue;
        expect([options, await outcome({ ...options, transports })]).toEqual([options, expected]);
      }
    }
  });

  it('AUTH1: a socket ends with its login, and is told not to come again', async () => {
    // With the slow, real recheck: the logout itself must end it.
    await doors[Symbol.asyncDispose]();
    doors = await openDoors();
    const socket = await connected({ headers: { cookie: doors.cookie, origin: doors.url } });
    const other = await connected();
    let reason = '';
    socket.once('disconnect', (why) => (reason = why));
    await doors.authentication.logout({ cookie: doors.cookie, address: 'x' });
    await eventually('disconnected', () => reason !== '');
    expect(reason).toBe('io server disconnect');
    expect(other.connected).toBe(true);
  });

  it('AUTH1: a socket whose key is no longer one ends too', async () => {
    const socket = await connected();
    doors.authentication.login = () =>
      Promise.resolve({ ok: false, error: { kind: 'unauthenticated', message: 'gone' } });
    await eventually('disconnected', () => !socket.connected);
  });

  it('LINK1: a closing server ends connections in a way that clients come again', async () => {
    const socket = await connected();
    let reason = '';
    socket.once('disconnect', (why) => (reason = why));
    doors.socketDoor.close();
    await eventually('disconnected', () => reason !== '');
    expect(reason).toBe('transport close');
  });
});

describe('requests', () => {
  it('WIRE1: hello, ping, command, input answer by their schemas', async () => {
    const socket = await connected();
    const hello = await ask(socket, 'hello', { protocolVersion });
    expect(socketAnswerSchemas.hello.parse(hello)).toMatchObject({ serverId: 'server-1', protocolVersion });
    expect(kindOf(await ask(socket, 'hello', { protocolVersion: protocolVersion + 1 }))).toBe('unsupported_version');
    expect(await ask(socket, 'ping', { nonce: 'n' })).toEqual({ ok: true, nonce: 'n' });
    const command = { id: 'c1', type: 'message.send', text: 'hello' };
    const receipt = { commandId: 'c1', status: 'stored', seq: 3 };
    expect(await ask(socket, 'command', { sessionId: 's1', command })).toEqual({ ok: true, receipt });
    expect(await ask(socket, 'command', { sessionId: 's1', command })).toEqual({ ok: true, receipt });
    const reused = await ask(socket, 'command', { sessionId: 's1', command: { ...command, text: 'x' } });
    expect(kindOf(reused)).toBe('command_id_reused');
    const input = { sessionId: 's1', inputId: 'i1', offset: 10, data: Buffer.from('ls\r') };
    expect(await ask(socket, 'input', input)).toEqual({ ok: true, offset: 13 });
    expect(Buffer.from(doors.application.inputs[0] ?? []).toString()).toBe('ls\r');
  });

  it('LOG7: the answer first, then the facts, synced, live facts and output', async () => {
    const socket = await connected();
    const seen: [string, Record<string, unknown>][] = [];
    socket.onAny((name: string, message: Record<string, unknown>) => seen.push([name, message]));
    const request = { sessionId: 's1', after: 1, tty: { from: 4 } };
    socket.emit('subscribe', request, (answer: Record<string, unknown>) => seen.push(['answer', answer]));
    await eventually('output', () => seen.length === 4);
    expect(seen.map(([name]) => name)).toEqual(['answer', 'facts', 'synced', 'tty']);
    expect(seen.shift()?.[1]).toEqual({ ok: true, verdict: 'ok', lastSeq: 3, oldestSeq: 1 });
    expect(seen[0]?.[1]).toMatchObject({ sessionId: 's1', facts: [{ seq: 2 }, { seq: 3 }] });
    expect(seen[2]?.[1]).toMatchObject({ offset: 4 });
    expect(Buffer.from(seen[2]?.[1]['data'] as Uint8Array).toString()).toBe('output');
    doors.application.append('s1', 'four');
    await eventually('the live fact', () => seen.length === 4);
    socket.emit('parsed', { sessionId: 's1', offset: 10 });
    await eventually('the credit', () => doors.application.parsedOffsets.includes(10));
    expect(await ask(socket, 'unsubscribe', { sessionId: 's1' })).toEqual({ ok: true });
    expect(doors.application.subscriptions).toBe(0);
  });

  it('LINK1: a second subscription replaces the first, also while that is under way', async () => {
    const socket = await connected();
    const facts: number[] = [];
    socket.on('facts', (message: { facts: { seq: number }[] }) => facts.push(...message.facts.map(({ seq }) => seq)));
    const both = await Promise.all([
      ask(socket, 'subscribe', { sessionId: 's1', after: 0 }),
      ask(socket, 'subscribe', { sessionId: 's1', after: 2 }),
    ]);
    expect(both.map(kindOf).at(-1)).toBe('ok');
    await eventually('one is left', () => doors.application.subscriptions === 1);
    doors.application.append('s1', 'four');
    await eventually('the fact, once', () => facts.filter((seq) => seq === 4).length === 1);
    expect(facts.filter((seq) => seq === 3)).toHaveLength(1);
  });

  it('PRESENCE2, PRESENCE4: who it says it is, or one of its own; who is attached comes after the answer', async () => {
    doors.application.told = { people: [], more: 3 };
    const [named, nameless] = [await connected(), await connected()];
    const order: string[] = [];
    named.on('presence', (message: { more: number }) => order.push(`presence ${message.more}`));
    await ask(named, 'hello', { protocolVersion, clientId: 'tab' });
    named.emit('subscribe', { sessionId: 's1', after: 0 }, () => order.push('answer'));
    await eventually('presence', () => order.length === 2);
    for (const sessionId of ['s1', 's1']) await ask(nameless, 'subscribe', { sessionId, after: 0 });
    expect(order).toEqual(['answer', 'presence 3']);
    const [first, second, third] = doors.application.clientIds;
    expect(first).toBe('tab');
    expect(second).toMatch(/^[\w-]{36}$/);
    expect(third).toBe(second);
    expect(kindOf(await ask(named, 'hello', { protocolVersion, clientId: 'a b' }))).toBe('bad_request');
  });

  it('LINK1: when the connection ends, all it opened is closed', async () => {
    const socket = await connected();
    await ask(socket, 'subscribe', { sessionId: 's1', after: 0 });
    await ask(socket, 'watch', {});
    expect([doors.application.subscriptions, doors.application.watchers.size]).toEqual([1, 1]);
    socket.disconnect();
    await eventually('all closed', () => doors.application.subscriptions + doors.application.watchers.size === 0);
  });

  it('LOG7: a source that closes sends the client to subscribe again, or says that the session is deleted', async () => {
    const socket = await connected();
    const deleted: unknown[] = [];
    socket.on('sessionDeleted', (message) => deleted.push(message));
    doors.application.logs.set('s2', []);
    await ask(socket, 'subscribe', { sessionId: 's2', after: 0 });
    const sinks = [...(doors.application.sinks.get('s2') ?? [])];
    doors.application.logs.delete('s2');
    for (const sink of sinks) sink.closed();
    await eventually('told', () => deleted.length === 1);
    expect([deleted, socket.connected]).toEqual([[{ sessionId: 's2' }], true]);
    await ask(socket, 'subscribe', { sessionId: 's1', after: 0 });
    for (const sink of [...(doors.application.sinks.get('s1') ?? [])]) sink.closed();
    await eventually('disconnected', () => !socket.connected);
  });

  it('WIRE1: changed sessions are told to those who watch', async () => {
    const socket = await connected();
    const seen: unknown[] = [];
    socket.on('sessionDeleted', (message) => seen.push(message));
    await ask(socket, 'watch', {});
    await ask(socket, 'watch', {});
    for (const watcher of doors.application.watchers) watcher({ type: 'sessionDeleted', sessionId: 's7' });
    await ask(socket, 'ping', { nonce: 'x' });
    expect(seen).toEqual([{ sessionId: 's7' }]);
  });
});

describe('what does not fit', () => {
  it('WIRE5: each gets a typed error and the socket lives', async () => {
    const socket = await connected();
    const deep = JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) as unknown;
    const command = { id: 'c', type: 'turn.stop' };
    const table: [string, unknown[], string][] = [
      ['explode', [{}], 'bad_request'],
      ['constructor', [{}], 'bad_request'],
      ['__proto__', [{}], 'bad_request'],
      ['error', [{}], 'bad_request'],
      ['x'.repeat(10_000), [{}], 'bad_request'],
      ['ping', [], 'bad_request'],
      ['ping', [{ nonce: 'a' }, { nonce: 'b' }], 'bad_request'],
      ['ping', [null], 'bad_request'],
      ['ping', ['nonce'], 'bad_request'],
      ['ping', [Buffer.from('nonce')], 'bad_request'],
      ['ping', [{ nonce: Buffer.from('nonce') }], 'bad_request'],
      ['ping', [{ nonce: 'x'.repeat(65) }], 'bad_request'],
      ['subscribe', [{ sessionId: 's9', after: 0 }], 'not_found'],
      ['subscribe', [{ sessionId: 's1', after: -1 }], 'bad_request'],
      ['subscribe', [{ sessionId: 's1', after: 0, tty: { from: 'x' } }], 'bad_request'],
      ['command', [{ sessionId: 's1', command: { id: 'c', type: 'self.destruct' } }], 'unknown_kind'],
      ['command', [{ sessionId: 'ended', command }], 'session_ended'],
      ['command', [{ sessionId: 's9', command }], 'not_found'],
      ['command', [{ sessionId: 's1', command: { ...command, extra: deep } }], 'bad_request'],
      ['input', [{ sessionId: 's1', inputId: 'i', offset: 0, data: 'text' }], 'bad_request'],
      ['input', [{ sessionId: 's1', inputId: 'i', offset: 0, data: Buffer.alloc(65_537) }], 'bad_request'],
    ];
    for (const [name, values, kind] of table) {
      expect([name.slice(0, 20), values, kindOf(await ask(socket, name, ...values))]).toEqual([
        name.slice(0, 20),
        values,
        kind,
      ]);
    }
    expect(socket.connected).toBe(true);
  });

  it('WIRE5: without a function for the answer nothing happens to anybody', async () => {
    const socket = await connected();
    for (const ack of ['not a function', 7, null, { ack: true }, Buffer.from('x'), []])
      socket.emit('ping', { nonce: 'x' }, ack);
    socket.emit('ping');
    socket.emit('ping', { nonce: 'x' });
    socket.emit('explode', 1, 2, 3);
    socket.emit('error', new Error('x'));
    socket.emit('subscribe', { sessionId: 's9', after: 0 });
    expect(kindOf(await ask(socket, 'ping', { nonce: 'y' }))).toBe('ok');
  });

  it('WIRE3: a bug answers internal with a reference that is also in the log', async () => {
    const socket = await connected();
    doors.application.broken = new Error('secret place');
    const answer = await ask(socket, 'subscribe', { sessionId: 's1', after: 0 });
    const error = answer['error'] as { kind: string; message: string; details: { reference: string } };
    expect(error.kind).toBe('internal');
    expect(error.message).not.toContain('secret place');
    expect(doors.log()).toContain(error.details.reference);
    expect(kindOf(await ask(socket, 'ping', { nonce: 'y' }))).toBe('ok');
  });

  it('WIRE5: packets that are no packets end that connection and nothing else', async () => {
    const innocent = await connected();
    const garbage = [
      '4',
      '42',
      '42{',
      '42[]',
      '42[1]',
      '42["disconnect"]',
      '42["newListener","x"]',
      '451-["x"]',
      '45999999-["x"]',
      '40',
      '43',
      '431[]',
      '49',
      '42/x,["ping"]',
      '\u0000',
      '4{"a":1}',
      `42${'['.repeat(5_000)}`,
    ];
    for (const text of garbage) {
      const { transport } = (await connected()).io.engine;
      const { ws } = transport as unknown as { ws: { send(data: unknown): void } };
      ws.send(text);
      ws.send(Buffer.from(text));
    }
    expect(kindOf(await ask(innocent, 'ping', { nonce: 'y' }))).toBe('ok');
  });

  it('WIRE4: a packet over the limit ends that connection', async () => {
    const socket = await connected();
    const innocent = await connected();
    socket.emit('ping', { nonce: 'x'.repeat(2 * 1024 * 1024) });
    await eventually('disconnected', () => !socket.connected);
    expect(kindOf(await ask(innocent, 'ping', { nonce: 'y' }))).toBe('ok');
  });

  it('WIRE5: 500 packets of nonsense: typed answers, and the process lives', async () => {
    const socket = await connected();
    const random = seededRandom(42);
    const good: Record<string, unknown> = {
      subscribe: { sessionId: 's1', after: 0, tty: { from: 3 } },
      unsubscribe: { sessionId: 's1' },
      command: { sessionId: 's1', command: { id: 'c9', type: 'terminal.resize', cols: 80, rows: 24 } },
      input: { sessionId: 's1', inputId: 'i', offset: 0, data: Buffer.from('x') },
      ping: { nonce: 'x' },
      watch: {},
      hello: { protocolVersion: 1 },
    };
    for (let attempt = 0; attempt < 500; attempt += 1) {
      const name = random.pick([...Object.keys(good), 'toString', 'error']);
      const value = random.integer(4) === 0 ? randomValue(random) : mutate(good[name], random);
      const answer = await ask(socket, name, value);
      expect(['ok', 'bad_request', 'not_found', 'unknown_kind', 'command_id_reused', 'unsupported_version']).toContain(
        kindOf(answer),
      );
    }
    expect(socket.connected).toBe(true);
  });
});

describe('limits of one socket', () => {
  it('WIRE7: so many sessions and no more', async () => {
    const socket = await connected();
    for (let n = 0; n <= 64; n += 1) {
      doors.application.logs.set(`x${n}`, []);
      const answer = await ask(socket, 'subscribe', { sessionId: `x${n}`, after: 0 });
      expect(kindOf(answer)).toBe(n < 64 ? 'ok' : 'quota_exceeded');
    }
    expect(kindOf(await ask(socket, 'subscribe', { sessionId: 'x1', after: 0 }))).toBe('ok');
  });

  it('WIRE7: so many requests at once and no more', async () => {
    const socket = await connected();
    const { promise, resolve } = Promise.withResolvers<void>();
    doors.application.gate = promise;
    const asked = Array.from({ length: 262 }, (_, n) =>
      ask(socket, 'command', { sessionId: 's1', command: { id: `c${n}`, type: 'turn.stop' } }),
    );
    const early = await Promise.all(asked.slice(256));
    expect(early.map(kindOf)).toEqual(Array<string>(6).fill('rate_limited'));
    expect((early[0]?.['error'] as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
    resolve();
    expect((await Promise.all(asked.slice(0, 256))).map(kindOf)).toEqual(Array<string>(256).fill('ok'));
  });

  it('WIRE7: faster than the rate is refused with the time to wait, and credit never is', async () => {
    const socket = await connected();
    await ask(socket, 'subscribe', { sessionId: 's1', after: 0 });
    const answers = await Promise.all(Array.from({ length: 6_000 }, () => ask(socket, 'ping', { nonce: 'x' })));
    const limited = answers.filter((answer) => kindOf(answer) === 'rate_limited').map((answer) => answer['error']);
    expect(limited).toContainEqual({
      kind: 'rate_limited',
      message: 'Too many requests. Wait.',
      retryAfterMs: expect.any(Number) as number,
    });
    for (let n = 0; n < 3_000; n += 1) socket.emit('parsed', { sessionId: 's1', offset: n });
    await eventually('the last credit', () => doors.application.parsedOffsets.includes(2_999));
  });

  it('STREAM5: who does not take what it is sent is closed at a bound', async () => {
    const socket = await connected();
    await ask(socket, 'subscribe', { sessionId: 's1', after: 3 });
    const transport = socket.io.engine.transport as unknown as { ws: { pause(): void } };
    transport.ws.pause();
    const text = 'x'.repeat(256 * 1024);
    let appended = 0;
    while (doors.application.subscriptions > 0) {
      doors.application.append('s1', text);
      appended += 1;
      expect(appended).toBeLessThan(400);
      await new Promise((next) => setImmediate(next));
    }
    expect(doors.log()).toContain('does not take what it is sent');
    const other = await connected();
    expect(kindOf(await ask(other, 'ping', { nonce: 'x' }))).toBe('ok');
  });
});
