/** A hundred who watch one terminal: most keep up, some are slow, some vanish without a word, two of those come back. */
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { type Installation, install } from '../support/program.ts';
import { metric, residentBytes, serverPid } from './support/measure.ts';
import { TcpProxy } from './support/tcp-proxy.ts';
import { Watcher } from './support/watcher.ts';

/** Lines in one go, and how often: in all, more than twice what the server keeps. After that it says nothing more. */
const lines = 1_500;
const goes = 200;
const print = `for i in $(seq 0 ${goes - 1}); do seq $((i*${lines}+1)) $((i*${lines}+${lines})); sleep 0.04; done; echo all-$((40+2)); exec cat`;
const all = goes * lines;

let holdfast: Installation;
let api: Api;

beforeAll(async () => {
  // All of them are one person's.
  holdfast = await install({ model: false, environment: { HOLDFAST_MAX_CONNECTIONS: '0' } });
  await holdfast.start();
  api = await Api.open(holdfast);
});
afterAll(() => holdfast.dispose());

it('STREAM1, STREAM4, STREAM5, LINK16: of 100 who watch one terminal each attentive one gets every byte once, whatever the others do', async () => {
  const id = await api.create({ kind: 'terminal', workspaceId: await api.workspace('w') });
  await api.fact(id, 'session.started');
  const port = Number(new URL(holdfast.origin).port);
  const [lost, moved] = [await TcpProxy.open(port), await TcpProxy.open(port)];
  const { key } = api;
  let text = '';
  // All of it is ASCII.
  const first = new Watcher({ sessionId: id, key, saw: (data) => (text += Buffer.from(data).toString('latin1')) });
  const group = (size: number, attentive = true): readonly Watcher[] =>
    Array.from({ length: size }, () => new Watcher({ sessionId: id, key, attentive }));
  const [attentive, slow, vanishing, returning] = [[first, ...group(77)], group(10, false), group(10), group(2)];
  const everybody = [...attentive, ...slow, ...vanishing, ...returning];
  const live = async (): Promise<number> =>
    (await metric(holdfast, key, 'nodejs_heap_size_used_bytes')) +
    (await metric(holdfast, key, 'nodejs_external_memory_bytes'));
  const counts = async (): Promise<string> =>
    `${await metric(holdfast, key, 'holdfast_sockets')} ${await metric(holdfast, key, 'holdfast_subscriptions')}`;
  try {
    for (const one of [...attentive, ...slow]) one.connect(holdfast.origin);
    for (const one of vanishing) one.connect(lost.origin);
    for (const one of returning) one.connect(moved.origin);
    await eventually('all are there', () => everybody.every((one) => one.live), 20_000);
    expect(await counts()).toBe('100 100');
    const pid = serverPid(holdfast);
    const before = { resident: residentBytes(pid), live: await live() };
    const most = { ...before };
    const measure = async (): Promise<void> => {
      most.resident = Math.max(most.resident, residentBytes(pid));
      most.live = Math.max(most.live, await live());
    };
    const began = performance.now();
    await api.command(id, { id: 'print', type: 'terminal.write', data: `${print}\r` });
    const at = (share: number) =>
      eventually(
        `${share} of it`,
        async () => {
          await measure();
          return first.next > share * 7 * all;
        },
        30_000,
      );
    await at(0.3);
    lost.set({ stallUp: true, stallDown: true });
    await at(0.4);
    moved.set({ stallUp: true, stallDown: true });
    await at(0.5);
    for (const one of returning) one.connect(holdfast.origin);
    await eventually(
      'the end',
      async () => {
        await measure();
        return text.endsWith('\nall-42\r\n');
      },
      60_000,
    );
    const took = performance.now() - began;
    const keptUp = [...attentive, ...returning];
    await eventually('everybody else has it', () => keptUp.every(({ next }) => next === first.next));
    process.stdout.write(
      `\n${first.next} bytes to ${keptUp.length} in ${Math.round(took)} ms, server memory ` +
        `${mebibytes(most.live - before.live)} MiB live, ${mebibytes(most.resident - before.resident)} MiB resident ` +
        `more than at first\n`,
    );
    // The first line comes after the shell's mark of where output begins.
    const numbers = text.replaceAll('\x07', '\n').match(/(?<=[\r\n])\d+(?=\r\n)/g) ?? [];
    expect(numbers.length).toBe(all);
    expect(numbers.findIndex((number, index) => Number(number) !== index + 1)).toBe(-1);
    expect(new Set(keptUp.map(({ digest }) => digest)).size).toBe(1);
    expect(keptUp.flatMap(({ problems }) => problems)).toEqual([]);
    expect(keptUp.filter(({ screens }) => screens > 0)).toEqual([]);
    expect(slow.map(({ screens }) => screens)).toEqual(slow.map(() => 1));
    for (const one of slow) one.attend();
    await eventually('the slow ones go on', () => slow.every(({ next }) => next === first.next));
    expect(mebibytes(most.live - before.live)).toBeLessThan(96);
    expect(mebibytes(most.resident - before.resident)).toBeLessThan(256);
    // Of those who vanished it knows nothing until their network is torn down, and of the two who came back as little.
    expect(await counts()).toBe('102 102');
    for (const line of [lost, moved]) line.cut('reset');
    await eventually('what was left is given back', async () => (await counts()) === '90 90');
    for (const one of everybody) one.close();
    await eventually('and so are the others', async () => (await counts()) === '0 0');
  } finally {
    for (const one of everybody) one.close();
    for (const line of [lost, moved]) await line.close();
  }
});

const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);
