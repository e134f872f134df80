/** Clients and runners of the running program that fall silent all at once. Half a minute, in which nothing is done. */
import { channelDialler } from '@holdfast/link/channel-dialler.ts';
import { runnerDoor, runnerLimits } from '@holdfast/link/runner-door.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { quickClock } from '@holdfast/testkit/quick-clock.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { type Installation, install } from '../support/program.ts';
import { Device } from './support/device.ts';
import { metric } from './support/measure.ts';
import { TcpProxy } from './support/tcp-proxy.ts';

let holdfast: Installation;
let api: Api;

beforeAll(async () => {
  holdfast = await install({ model: false });
  await holdfast.start();
  api = await Api.open(holdfast);
});
afterAll(() => holdfast.dispose());

it('LINK8: clients and runners that are gone without a word are found out by the server within 30 s, and nothing is kept for them', async () => {
  const workspaceId = await api.workspace('w');
  const id = await api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo', mode: 'agent' } });
  const proxy = await TcpProxy.open(Number(new URL(holdfast.origin).port));
  // Clocks so slow that none of them notices by itself.
  const clock = quickClock(0.05);
  const devices = ([undefined, ['sse'], ['polling']] as const).map(
    (transports) =>
      new Device({ url: proxy.origin, key: api.key, clock, ...(transports === undefined ? {} : { transports }) }),
  );
  for (const device of devices) device.follow(id);
  const runner = channelDialler({
    ...{ dial: { url: proxy.origin, key: api.key, door: runnerDoor }, limits: runnerLimits, clock },
    ...{ random: Math.random, tooLarge: () => null, onChannel: () => undefined, onFirstFailure: () => undefined },
  });
  runner.connect();
  const counts = async (): Promise<string> => {
    const names = ['sockets', 'subscriptions', 'event_streams', 'remote_runners'];
    return (await Promise.all(names.map((name) => metric(holdfast, api.key, `holdfast_${name}`)))).join(' ');
  };
  try {
    await eventually('all are there', async () => (await counts()) === '2 2 2 1');
    proxy.set({ stallUp: true, stallDown: true });
    const began = performance.now();
    await eventually('all are given back', async () => (await counts()) === '0 0 0 0', 40_000);
    const seconds = (performance.now() - began) / 1_000;
    process.stdout.write(`\nhalf-open peers found out after ${seconds.toFixed(1)} s\n`);
    expect(seconds).toBeGreaterThan(14);
    // Its timers and this one's, on a busy machine.
    expect(seconds).toBeLessThan(33);
  } finally {
    runner.close();
    for (const { client } of devices) await client.close();
    await proxy.close();
  }
});
