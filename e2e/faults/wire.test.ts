/**
 * Random and almost right packets on every door of the running program. What must hold: no crash, no 5xx, no answer of
 * kind internal, and nothing left open afterwards. HOLDFAST_SOAK=1: 100,000.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { type Random, seededRandom } from '@holdfast/testkit/random.ts';
import { encodeJson, encodeWrite } from '@holdfast/holder/wire.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { type Installation, install } from '../support/program.ts';
import { FuzzedRunner, farWorkspace } from './support/fuzzed-runner.ts';
import { type HttpPacket, command, httpPacket } from './support/http-packets.ts';
import { alive, holderPid, metric, openFiles, serverPid } from './support/measure.ts';
import { anything, mutated, mutatedBytes, randomBytes } from './support/mutate.ts';
import { faultSeed, soak } from './support/seed.ts';

const times = soak ? 20 : 1;
const limitMs = soak ? 1_800_000 : 60_000;
const seed = faultSeed();

let holdfast: Installation;
let api: Api;
let port: number;
let sessionId: string;
let terminalId: string;
let before: { server: number; holder: number; serverFiles: number; holderFiles: number };

beforeAll(async () => {
  holdfast = await install({ model: false, environment: { HOLDFAST_STARTS_PER_MINUTE: '0' } });
  await holdfast.start();
  api = await Api.open(holdfast);
  port = Number(new URL(holdfast.origin).port);
  const workspaceId = await api.workspace('w');
  sessionId = await api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo', mode: 'agent' } });
  terminalId = await api.create({ kind: 'terminal', workspaceId });
  await api.fact(terminalId, 'session.started');
  // What is opened at the first use (the screen's thread, the agent's process) is no leak.
  await api.command(sessionId, { id: 'warm', type: 'message.send', text: 'ls' });
  await api.fact(sessionId, 'turn.ended');
  await expectEcho();
  const server = serverPid(holdfast);
  const holder = holderPid(holdfast);
  before = { server, holder, serverFiles: openFiles(server), holderFiles: openFiles(holder) };
});
afterAll(() => holdfast.dispose());

/** Runs `count` of them, at most `width` at once. */
async function many(count: number, width: number, one: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await one(next);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** The same processes work, and hold no more than before. */
async function expectUnharmed(): Promise<void> {
  expect(serverPid(holdfast)).toBe(before.server);
  expect(holderPid(holdfast)).toBe(before.holder);
  expect(await alive(holdfast)).toBe(true);
  for (const name of [
    'holdfast_sockets',
    'holdfast_subscriptions',
    'holdfast_event_streams',
    'holdfast_remote_runners',
  ]) {
    await eventually(`${name} 0`, async () => (await metric(holdfast, api.key, name)) === 0, 20_000);
  }
  // A keep-alive connection or two of this test itself may still be open.
  await eventually('no more open files', () => openFiles(before.server) <= before.serverFiles + 4, 20_000);
  await eventually('nor in the holder', () => openFiles(before.holder) <= before.holderFiles, 20_000);
  expect(bugsInLog()).toEqual([]);
  await expectEcho();
}

/** What the server itself calls an error: nothing anybody sends may be one, but for a runner that is turned away. */
function bugsInLog(): string[] {
  return readFileSync(join(holdfast.dataDirectory, 'server.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"level":50') && !/of another login|speaks another version/.test(line));
}

async function expectEcho(): Promise<void> {
  const id = `echo-${performance.now()}`.replace('.', '_');
  await api.command(terminalId, { id, type: 'terminal.write', data: `\u0015echo ${id}-$((40+2))\r` });
  await eventually('the shell answers', async () => (await api.screen(terminalId)).includes(`${id}-42`));
}

function keepAliveAgent(maxSockets: number): { agent: Agent; [Symbol.dispose](): void } {
  const agent = new Agent({ keepAlive: true, maxSockets });
  return { agent, [Symbol.dispose]: () => agent.destroy() };
}

/** The status, or 0 when the server closed the connection without one. An event stream is left after its head. */
function ask(agent: Agent, { method, path, headers, body }: HttpPacket): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ agent, host: '127.0.0.1', port, method, path, headers, timeout: 30_000 }, (answer) => {
      const status = answer.statusCode ?? 0;
      if (answer.headers['content-type']?.startsWith('text/event-stream') === true) {
        asked.destroy();
        return resolve({ status, text: '' });
      }
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      answer.on('end', () => resolve({ status, text }));
      answer.on('error', () => resolve({ status, text }));
    });
    asked.on('timeout', () => reject(new Error(`no answer within 30 s: ${method} ${path}`)));
    asked.on('error', () => resolve({ status: 0, text: '' }));
    asked.end(body ?? undefined);
  });
}

it(
  `WIRE1, WIRE4: mutated HTTP requests: typed answers, never 5xx (seed ${seed})`,
  async () => {
    const random = seededRandom(seed);
    using connections = keepAliveAgent(16);
    const bad: string[] = [];
    const count = 2_000 * times;
    await many(count, 16, async () => {
      const packet = httpPacket(random, { sessionId, terminalId, key: api.key });
      const { status, text } = await ask(connections.agent, packet);
      if (status >= 500)
        bad.push(`${status} ${packet.method} ${packet.path} ${String(packet.body)}: ${text.slice(0, 300)}`);
      if (status === 201 && packet.path === '/api/sessions') await api.remove((JSON.parse(text) as { id: string }).id);
    });
    connections[Symbol.dispose]();
    expect(bad).toEqual([]);
    await expectUnharmed();
    process.stdout.write(`\n${count} HTTP requests, 0 answered 5xx\n`);
  },
  limitMs,
);

/** Sends bytes as they are, waits for the other side's end or silence, and leaves. */
function raw(
  target: { port: number } | { path: string },
  chunks: readonly Uint8Array[],
  waitMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target });
    const leave = (): void => {
      socket.destroy();
      resolve();
    };
    socket.setTimeout(waitMs, leave);
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? reject(error) : leave(),
    );
    socket.on('close', () => resolve());
    socket.resume();
    socket.on('connect', () => chunks.forEach((chunk) => socket.write(chunk)));
  });
}

it(
  `WIRE1: bytes that are hardly HTTP or Engine.IO (seed ${seed})`,
  async () => {
    const random = seededRandom(seed + 1);
    const templates = [
      `GET /api/sessions HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${api.key}\r\n\r\n`,
      `POST /api/sessions/${sessionId}/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${api.key}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"id":1}x`,
      `POST /api/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\u0081\u0085\u0001\u0002\u0003\u0004abcde`,
      `GET /runner/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      `POST /runner/?EIO=4&transport=polling HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer hf_wrong\r\nContent-Length: 11\r\n\r\n40/runner,{}`,
      `POST /socket.io/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 2\r\n\r\n40`,
    ].map((text) => Buffer.from(text, 'latin1'));
    const count = 400 * times;
    await many(count, 16, async () => {
      const bytes = random.next() < 0.2 ? randomBytes(2_000, random) : mutatedBytes(random.pick(templates), random);
      await raw({ port }, [bytes], 40);
    });
    await expectUnharmed();
    process.stdout.write(`\n${count} raw connections\n`);
  },
  limitMs,
);

it(
  `WIRE5, WIRE7: mutated socket packets and Engine.IO frames (seed ${seed})`,
  async () => {
    const random = seededRandom(seed + 2);
    const internal: string[] = [];
    const count = soak ? 24_000 : 1_200;
    const perSocket = 60;
    let sent = 0;
    let sockets = 0;
    const one = async (): Promise<void> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
      socket.binaryType = 'arraybuffer';
      let closed = false;
      let answers = 0;
      socket.addEventListener('close', () => (closed = true));
      socket.addEventListener('error', () => (closed = true));
      socket.addEventListener('message', ({ data }) => {
        if (typeof data !== 'string') return;
        answers += 1;
        if (data.includes('"kind":"internal"')) internal.push(data);
        if (data === '2') socket.send('3');
      });
      await eventually('the handshake', () => closed || answers > 0, 20_000);
      if (!closed) socket.send(`40${JSON.stringify({ key: api.key })}`);
      await eventually('the login', () => closed || answers > 1, 20_000);
      if (!closed) sockets += 1;
      for (let packet = 0; packet < perSocket && sent < count && !closed; packet += 1) {
        for (const frame of socketFrames(random, packet)) if (socket.readyState === WebSocket.OPEN) socket.send(frame);
        sent += 1;
        // One at a time, so that what closes the connection is not followed by a thousand that nobody reads.
        if (packet % 20 === 19) {
          const seen = answers;
          socket.send(`42${packet}["ping",{"nonce":"n"}]`);
          await eventually('an answer', () => closed || answers > seen, 20_000);
        }
      }
      socket.close();
      await eventually('closed', () => closed, 20_000);
    };
    // The door lets in ten a second: those it refuses come again until all is said.
    const worker = async (): Promise<void> => {
      while (sent < count) await one();
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    expect(internal).toEqual([]);
    await expectUnharmed();
    process.stdout.write(`\n${sent} socket packets over ${sockets} connections\n`);
  },
  limitMs,
);

function socketFrames(random: Random, number: number): (string | Uint8Array<ArrayBuffer>)[] {
  const id = random.pick([sessionId, terminalId, 'none']);
  const [name, body] = random.pick<[string, unknown]>([
    ['hello', { protocolVersion: 1 }],
    ['subscribe', { sessionId: id, after: 0 }],
    ['subscribe', { sessionId: terminalId, after: 0, tty: { from: null } }],
    ['subscribe', { sessionId: id, after: random.integer(1_000), tty: { from: random.integer(1_000) } }],
    ['unsubscribe', { sessionId: id }],
    ['command', { sessionId: id, command: command(random) }],
    ['parsed', { sessionId: id, offset: random.integer(1_000) }],
    ['watch', {}],
    ['ping', { nonce: 'n' }],
    ['constructor', {}],
  ]);
  const value = random.next() < 0.6 ? mutated(body, random) : body;
  const what = random.next();
  if (what < 0.02) return [mutatedBytes(Buffer.from(`42${number}["${name}",{}]`), random).toString('latin1')];
  if (what < 0.03) return [new Uint8Array(randomBytes(200, random))];
  if (what < 0.08) {
    // An event with an attachment, as keystrokes come; or without the one it promises.
    const header = `451-${number}["input",${JSON.stringify({ sessionId: terminalId, inputId: 'fuzz', offset: random.integer(9), data: { _placeholder: true, num: random.integer(2) } })}]`;
    return random.next() < 0.9 ? [header, new Uint8Array(1)] : [header];
  }
  const ack = random.next() < 0.8 ? String(number) : '';
  return [`42${ack}${JSON.stringify(random.next() < 0.9 ? [name, value] : [name, value, value])}`];
}

it(
  `WIRE1, WIRE5, LINK12, LINK25: a runner that says anything, twice, too early and too late (seed ${seed})`,
  async () => {
    const random = seededRandom(seed + 4);
    const count = 1_200 * times;
    const near = await Promise.all([sessionId, terminalId].map((id) => api.log(id)));
    const workspaceId = await farWorkspace({ port, api });
    let sent = 0;
    let links = 0;
    let maker = api;
    while (sent < count) {
      const ids: string[] = [];
      // One login may not make so many in a minute.
      if (links > 0 && links % 50 === 0) maker = await Api.open(holdfast);
      for (const provider of ['demo', 'claude']) {
        ids.push(await maker.create({ kind: 'agent', workspaceId, agent: { provider, prompt: 'ls' } }));
      }
      ids.push(await maker.create({ kind: 'terminal', workspaceId }));
      const runner = await FuzzedRunner.dial({
        port,
        key: api.key,
        random,
        own: ids,
        foreign: [sessionId, terminalId],
      });
      links += 1;
      sent += await runner.rave(Math.min(150, count - sent));
      await runner.end();
      for (const id of ids) {
        const log = await api.log(id);
        expect(log.map((fact) => fact.seq)).toEqual(log.map((_, index) => index + 1));
        expect(JSON.stringify(log)).not.toContain('forged');
        await api.remove(id);
      }
    }
    // What it says of sessions that are not on it is not heard.
    expect(await Promise.all([sessionId, terminalId].map((id) => api.log(id)))).toEqual(near);
    await expectUnharmed();
    process.stdout.write(`\n${sent} packets of a runner over ${links} links\n`);
  },
  limitMs,
);

it(
  `HOLD4, HOLD11: a stranger on the holder's socket (seed ${seed})`,
  async () => {
    const random = seededRandom(seed + 3);
    const path = join(holdfast.dataDirectory, 'holder.sock');
    const count = 200 * times;
    let frames = 0;
    await many(count, 8, async () => {
      const hello =
        random.next() < 0.9 ? { type: 'hello', versions: [1] } : mutated({ type: 'hello', versions: [1] }, random);
      const chunks = [encodeJson(hello), ...Array.from({ length: random.integer(12) }, () => holderFrame(random))];
      frames += chunks.length;
      await raw(
        { path },
        chunks.filter((chunk) => chunk !== null),
        20,
      );
    });
    await expectUnharmed();
    process.stdout.write(`\n${frames} frames over ${count} connections to the holder\n`);
  },
  limitMs,
);

/** Nothing that would be carried out on a process that is there: a valid spawn, signal or shutdown is its owner's right. */
function holderFrame(random: Random): Buffer | null {
  const call = random.integer(100);
  const id = random.pick(['none', '', '../x', 'a'.repeat(300)]);
  if (random.next() < 0.1) return encodeWrite(call, id, random.pick([null, 'token']), randomBytes(200, random));
  if (random.next() < 0.05) return randomBytes(300, random);
  const message = random.pick<object>([
    { type: 'list', call },
    { type: 'closeInput', call, id },
    { type: 'resize', call, id, cols: 80, rows: 24 },
    { type: 'signal', call, id, signal: 'SIGHUP' },
    { type: 'setMeta', call, id, meta: { a: 1 } },
    { type: 'release', call, id, stream: 'stdout', offset: 5 },
    { type: 'forget', call, id },
    { type: 'read', reader: call, id, stream: 'stdout', from: 0 },
    { type: 'acknowledge', reader: call, offset: 9 },
    { type: 'closeRead', reader: call },
    { type: 'spawn', call, id: 'fuzz', spec: anything(random), meta: {} },
  ]);
  const frame = encodeJson(random.next() < 0.6 ? mutated(message, random) : message);
  return frame !== null && random.next() < 0.2 ? mutatedBytes(frame, random) : frame;
}
