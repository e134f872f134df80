import type { AgentInfo } from '@holdfast/protocol/rest.ts';
import { AgentCatalogue } from '@holdfast/runner/agents/agent-catalogue.ts';
import { expect, it } from 'vitest';

const agent = (available: boolean): AgentInfo => ({
  ...{ provider: 'demo', name: 'Demo', description: 'd', available, remedy: [], models: [] },
});

it('LINK27: agents are looked for once, and again when that is asked for; the version tells whether they changed', async () => {
  let looks = 0;
  let available = false;
  const catalogue = new AgentCatalogue(() => {
    looks += 1;
    return Promise.resolve([agent(available)]);
  });
  const [first, second] = await Promise.all([catalogue.read(false), catalogue.read(false)]);
  expect([looks, second]).toEqual([1, first]);
  available = true;
  expect(await catalogue.read(false)).toEqual(first);
  const [again, other] = await Promise.all([catalogue.read(true), catalogue.read(true)]);
  expect([looks, other]).toEqual([2, again]);
  expect(again.agents[0]?.available).toBe(true);
  expect(again.version).not.toBe(first.version);
  expect(await catalogue.read(false)).toEqual(again);
  expect((await catalogue.read(true)).version).toBe(again.version);
  // As another process would find it.
  expect(await new AgentCatalogue(() => Promise.resolve([agent(false)])).read(false)).toEqual(first);
});

it('LINK27: a look that failed is not kept', async () => {
  let fails = true;
  const catalogue = new AgentCatalogue(() => (fails ? Promise.reject(new Error('no')) : Promise.resolve([])));
  await expect(catalogue.read(false)).rejects.toThrow('no');
  fails = false;
  expect(await catalogue.read(false)).toMatchObject({ agents: [] });
  fails = true;
  await expect(catalogue.read(true)).rejects.toThrow('no');
  expect(await catalogue.read(false)).toMatchObject({ agents: [] });
});
