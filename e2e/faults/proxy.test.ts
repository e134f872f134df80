/** A bad network between a device and the server: cuts, silence, lost answers, and a line of 1 Mbit/s. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { type Installation, install } from '../support/program.ts';
import { expectSoundLog } from '../support/sound-log.ts';
import { Device } from './support/device.ts';
import { metric, residentBytes, serverPid } from './support/measure.ts';
import { quickClock } from '@holdfast/testkit/quick-clock.ts';
import { faultSeed, moment, soak } from './support/seed.ts';
import { Tally } from './support/tally.ts';
import { TcpProxy } from './support/tcp-proxy.ts';

/** Of the client's times: a ping each 500 ms, stale after a second. */
const quicker = 30;
/** Bytes per second: 1 Mbit/s. */
const slowLine = 125_000;

let holdfast: Installation;
let api: Api;
let workspaceId: string;
let proxy: TcpProxy;
let device: Device;

beforeAll(async () => {
  holdfast = await install();
  await holdfast.start();
  api = await Api.open(holdfast);
  workspaceId = await api.workspace('w');
});
afterAll(() => holdfast.dispose());

beforeEach(async () => {
  proxy = await TcpProxy.open(Number(new URL(holdfast.origin).port));
});
afterEach(async () => {
  await device.client.close();
  await proxy.close();
});

const demo = () => api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo', mode: 'agent' } });
const connectThrough = async (factor: number) => {
  device = new Device({ url: proxy.origin, key: api.key, clock: quickClock(factor) });
  await eventually('connected', () => device.client.connection.get().status === 'live');
};
const stored = (status: { readonly status: string }): boolean => status.status === 'stored';

it('LINK8: a half-open connection is found out by the ping and replaced; what is sent meanwhile lands once', async () => {
  await connectThrough(quicker);
  const id = await demo();
  device.follow(id);
  await eventually('live', () => device.live);
  const before = proxy.accepted;
  proxy.set({ stallUp: true, stallDown: true });
  const began = performance.now();
  const message = device.send(id, 'ls');
  await eventually('it is not called live any more', () => device.client.connection.get().status !== 'live');
  // 30 s of silence by the client's own clock, and no sooner than a ping could have been answered.
  expect((performance.now() - began) * quicker).toBeLessThan(45_000);
  expect((performance.now() - began) * quicker).toBeGreaterThan(14_000);
  await eventually('another connection', () => proxy.accepted > before);
  proxy.set({});
  await eventually('live again', () => device.live);
  await eventually('stored', () => stored(message.state.get()));
  await api.fact(id, 'turn.ended');
  const log = await api.log(id);
  expectSoundLog(log);
  expect(log.filter((fact) => fact.type === 'message.user')).toHaveLength(1);
});

const seed = faultSeed();
it(
  `LINK6, LOG4, LINK4: messages and keystrokes through cuts, silence and lost answers land once and in order (seed ${seed})`,
  async () => {
    const random = seededRandom(seed);
    await connectThrough(quicker);
    const id = await demo();
    const terminalId = await api.create({ kind: 'terminal', workspaceId });
    device.follow(id);
    device.follow(terminalId);
    await api.fact(terminalId, 'session.started');
    device.command(terminalId, { type: 'terminal.write', data: 'cat > keys.txt\r' });
    const keysFile = join(holdfast.workspaces, 'w', 'keys.txt');
    await eventually('cat reads', () => existsSync(keysFile));
    const keys = device.client.input(terminalId);
    const wishes = soak ? 1_000 : 60;
    const typed: string[] = [];
    let cuts = 0;
    for (let wish = 0; wish < wishes; wish += 1) {
      if (random.next() < 0.5) {
        const sent = device.client.outbox.get().length < 50 && device.send(id, 'help');
        if (sent === false)
          await eventually('room in the outbox', () => device.client.outbox.get().length < 10, 30_000);
      }
      typed.push(`key-${wish}`);
      expect(keys.write(`key-${wish}\r`).ok).toBe(true);
      await moment(random.integer(60));
      const fault = random.integer(8);
      if (fault >= 4) continue;
      cuts += 1;
      if (fault === 0) proxy.cut('drop');
      if (fault === 1) proxy.cut('reset');
      if (fault >= 2) {
        // The request arrives, its answer does not; or neither.
        proxy.set(fault === 2 ? { stallDown: true } : { stallUp: true, stallDown: true });
        await moment(random.integer(100));
        proxy.cut(random.pick(['drop', 'reset']));
        proxy.set({});
      }
    }
    await eventually(
      'every message is stored',
      () => {
        device.retryUnsure();
        return device.sent(id).every((message) => stored(message.state.get()));
      },
      60_000,
    );
    await eventually('every key is taken', () => keys.status.get().pendingBytes === 0, 30_000);
    expect(keys.status.get().error).toBeNull();
    await eventually('up to date', () => device.live, 30_000);
    const log = await api.log(id);
    const followed = device.sessions.get(id);
    const tally = new Tally();
    tally.messages('the device', device.sent(id), log);
    if (followed !== undefined) tally.reading('the device', followed, log);
    const landed = (): string[] => readFileSync(keysFile, 'utf8').split('\n').filter(Boolean);
    await eventually('everything typed is there', () => landed().at(-1) === typed.at(-1));
    process.stdout.write(
      `\n${device.sent(id).length} messages, ${typed.length} lines typed, ${cuts} cuts: ${tally.counts}\n`,
    );
    expect(tally).toEqual(new Tally());
    expect(landed()).toEqual(typed);
  },
  soak ? 600_000 : 120_000,
);

it('STREAM4, STREAM5: a flood on a line of 1 Mbit/s: it lives, approvals pass, memory is bounded, Ctrl-C is quick', async () => {
  await connectThrough(1);
  const id = await demo();
  const terminalId = await api.create({ kind: 'terminal', workspaceId });
  await api.fact(terminalId, 'session.started');
  let shown = '';
  device.follow(id);
  const handle = device.client.openSession(
    terminalId,
    { tty: { from: null } },
    {
      facts: () => undefined,
      reset: () => undefined,
      tty: (offset, data) => {
        shown = (shown + Buffer.from(data).toString()).slice(-4_000);
        handle.parsed(offset + data.byteLength);
      },
      screen: (screen) => {
        shown = (shown + screen.ansi).slice(-4_000);
        handle.parsed(screen.offset);
      },
    },
  );
  await eventually('up to date', () => device.live);
  const pid = serverPid(holdfast);
  proxy.set({ downRate: slowLine });
  const connections = proxy.accepted;
  const keys = device.client.input(terminalId);
  keys.write('yes flood-flood-flood-flood-flood-flood\r');
  await eventually('the flood', () => shown.includes('flood-flood-flood\r\nflood'));
  // The ring, the screen's thread and the collector's slack come with the flood itself; what comes after would be a queue.
  await moment(2_000);
  const live = async (): Promise<number> =>
    (await metric(holdfast, api.key, 'nodejs_heap_size_used_bytes')) +
    (await metric(holdfast, api.key, 'nodejs_external_memory_bytes'));
  const before = { resident: residentBytes(pid), live: await live() };
  const most = { ...before };
  let worst = 0;
  for (let round = 0; round < (soak ? 60 : 6); round += 1) {
    await moment(700);
    const began = performance.now();
    const sent = device.send(id, `run echo round-${round}`);
    await eventually('stored', () => stored(sent.state.get()));
    const receipted = performance.now() - began;
    await eventually('the question', () => asked(id)[round] !== undefined);
    const answer = performance.now();
    device.command(id, {
      type: 'approval.answer',
      approvalId: asked(id)[round] ?? '',
      answer: { decision: 'allow' },
    });
    await eventually('applied', () => applied(id)[round] !== undefined);
    worst = Math.max(worst, receipted, performance.now() - answer);
    most.resident = Math.max(most.resident, residentBytes(pid));
    most.live = Math.max(most.live, await live());
  }
  const began = performance.now();
  keys.write('\u0003echo back-$((40+2))\r');
  await eventually('the prompt', () => shown.includes('back-42'));
  const prompt = performance.now() - began;
  process.stdout.write(
    `\nworst round trip ${Math.round(worst)} ms, Ctrl-C to prompt ${Math.round(prompt)} ms, ` +
      `server memory ${mebibytes(most.live - before.live)} MiB live, ${mebibytes(most.resident - before.resident)} MiB ` +
      `resident more than at first\n`,
  );
  expect(proxy.accepted).toBe(connections);
  // Printed above are the times to look at; these tell a queue of the flood from a slow machine.
  expect(worst).toBeLessThan(5_000);
  expect(prompt).toBeLessThan(5_000);
  // The flood is tens of megabytes a second; what the line took of it is two.
  expect(mebibytes(most.live - before.live)).toBeLessThan(96);
  expect(mebibytes(most.resident - before.resident)).toBeLessThan(256);
});

const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);
const facts = (id: string) => device.sessions.get(id)?.facts ?? [];
const asked = (id: string): string[] =>
  facts(id).flatMap((fact) => (fact.type === 'approval.requested' ? [fact.data.approvalId] : []));
const applied = (id: string): string[] =>
  facts(id).flatMap((fact) => (fact.type === 'approval.applied' ? [fact.data.approvalId] : []));
