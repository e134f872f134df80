/** One run: the actions of a seed, then all is healed and everybody gets the time to finish. */
import { seededRandom } from '@holdfast/testkit/random.ts';
import { act, answer } from './act.ts';
import type { Action } from './action.ts';
import { faultsAtTheEnd } from './end-rules.ts';
import { calm } from './network.ts';
import { World } from './world.ts';

export interface Outcome {
  /** Each begins with the rule that was broken; empty: all held. */
  readonly violations: readonly string[];
  /** What crossed the network and what was done, in order: the same for the same actions. */
  readonly trace: readonly string[];
  /** Of every session, in order. */
  readonly logs: readonly string[];
}

/** A database with nothing in it, and a directory for copies of it. */
export interface Ground {
  readonly template: string;
  readonly directory: string;
}

/** Between two looks at whether everybody is done, ms, and how often: longer than every pause there is. */
const lookMs = 5_000;
const looks = 80;
/** Longer than any wire stalls or leads nowhere, ms. */
const stalledMs = 50_000;

export async function simulate(seed: number, actions: readonly Action[], ground: Ground): Promise<Outcome> {
  const world = await World.make(seed, ground.template, ground.directory);
  try {
    await world.time.advance(200);
    for (const [index, action] of actions.entries()) {
      world.network.random = seededRandom(action.salt);
      await world.time.advance(action.wait);
      world.note(action.type);
      act(world, action, index);
      await world.look();
      if (world.violations.length > 0) break;
    }
    if (world.violations.length === 0) await heal(world);
    if (world.violations.length === 0) for (const fault of faultsAtTheEnd(world)) world.violated(fault);
    const logs = [...world.watch.logs].flatMap(([id, { facts }]) =>
      facts.map(({ seq, type, data }) => `${id} ${seq} ${type} ${JSON.stringify(data).slice(0, 160)}`),
    );
    return { violations: world.violations, trace: world.trace, logs };
  } finally {
    await world.close();
  }
}

/** Nothing is struck down any more, the network is fine, agents finish what they began and people answer them. */
async function heal(world: World): Promise<void> {
  world.note('heal');
  world.network.random = seededRandom(1);
  world.network.weather = calm;
  await world.time.advance(stalledMs);
  let unsettled: string[] = [];
  for (let look = 0; look < looks; look += 1) {
    for (const page of world.pages) page.goOnline();
    world.server.fuse?.light(Infinity, 'before');
    world.runner.fuse?.light(Infinity, 'before');
    world.runner.crashAt([]);
    for (const sessionId of world.agentIds) help(world, sessionId);
    await world.time.advance(lookMs);
    await world.look();
    unsettled = await waiting(world);
    if (unsettled.length === 0 || world.violations.length > 0) return;
  }
  for (const what of unsettled) world.violated(what);
}

function help(world: World, sessionId: string): void {
  const agent = world.holder.agent(sessionId);
  if (agent === null || !agent.busy) return;
  if (agent.waitsFor === null) return agent.step('finish');
  const [page] = world.pages;
  const answering = page?.outbox.some(
    ({ command, state }) =>
      command.type === 'approval.answer' && !(state.status === 'failed' || state.status === 'unsure'),
  );
  if (page !== undefined && answering === false) answer(page, sessionId, () => 0, `at last ${world.time.now()}`);
}

/** Who still waits for something. */
async function waiting(world: World): Promise<string[]> {
  const { store } = world.server;
  if (store === null) return ['LOG10: the server is down'];
  const found: string[] = [];
  for (const page of world.pages) {
    if (page.connection.status !== 'live') found.push(`LINK5: ${page.name} is ${page.connection.status}`);
    for (const { id, state } of page.outbox) {
      const done = state.status === 'failed' || state.status === 'unsure';
      if (!done) found.push(`LINK6: ${id} of ${page.name} is still ${state.status}`);
    }
    if (page.pendingKeys > 0) found.push(`LINK4: ${page.pendingKeys} bytes of keys of ${page.name} still wait`);
  }
  for (const { id, instruction } of await store.deliveries('local', 0, 100)) {
    found.push(`LINK2: ${instruction.type} ${id} is still to be done`);
  }
  for (const [id, { state, facts }] of world.watch.logs) {
    const agent = state?.agent;
    if (agent == null || state?.end !== 'none') continue;
    if (agent.turn !== null)
      found.push(`TURN2: the turn ${agent.turn.turnId} of ${id} is ${agent.turn.phase} for ever`);
    const end = facts.findLast((fact) => fact.type === 'turn.ended' || fact.type === 'turn.interrupted');
    const held = end?.type === 'turn.interrupted' || (end?.type === 'turn.ended' && end.data.outcome === 'failed');
    if (agent.turn === null && agent.queue.length > 0 && !held) found.push(`TURN1: the queue of ${id} is not taken up`);
    if (Object.keys(agent.approvals).length > 0) found.push(`APPR4: an approval of ${id} is open and no turn`);
  }
  for (const id of world.agentIds) {
    const open = world.watch.logs.get(id)?.state?.agent?.turn ?? null;
    if (world.holder.agent(id)?.busy === true && open === null)
      found.push(`TURN2: the agent of ${id} works on a turn that is over`);
  }
  return found;
}
