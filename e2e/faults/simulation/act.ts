/** Carries out one action on whatever there is. */
import type { CommandBody } from '@holdfast/core/client/outbox.ts';
import { type Transcript, itemOf } from '@holdfast/core/client/transcript.ts';
import type { Action, ActionType } from './action.ts';
import type { CrashPoint } from './fuse.ts';
import { type AgentStep, agentSteps } from './simulated-agent.ts';
import type { SimulatedPage } from './simulated-page.ts';
import type { World } from './world.ts';

interface Turn {
  readonly world: World;
  readonly page: SimulatedPage;
  readonly sessionId: string;
  /** Draws from the action's own number. */
  readonly choose: (below: number) => number;
  /** A text no other action has. */
  readonly unique: string;
}

export function act(world: World, action: Action, index: number): void {
  let left = action.choice;
  const choose = (below: number): number => {
    const chosen = left % below;
    left = Math.floor(left / below);
    return chosen;
  };
  const page = world.pages[choose(world.pages.length)];
  const sessionId = world.agentIds[choose(world.agentIds.length)];
  if (page === undefined || sessionId === undefined) throw new Error('there is nobody');
  acts[action.type]({ world, page, sessionId, choose, unique: `u${index}` });
}

const send =
  (command: (turn: Turn) => CommandBody | null): ((turn: Turn) => void) =>
  (turn) => {
    const body = command(turn);
    if (body !== null) turn.page.send(turn.sessionId, body);
  };

const transcriptOf = ({ page, sessionId }: Turn): Transcript | undefined => page.views.get(sessionId)?.transcript;

/** Of the turn this page shows. */
const aboutTurn = (
  type: 'turn.stop' | 'turn.resume' | 'turn.discard',
  turn: { readonly turnId: string } | null | undefined,
): CommandBody | null => (turn == null ? null : { type, turnId: turn.turnId });

const queued = (turn: Turn): string | null => {
  const { choose } = turn;
  const queue = transcriptOf(turn)?.queue ?? [];
  return queue.length === 0 ? null : (queue[choose(queue.length)]?.messageId ?? null);
};

const crash = ({ choose }: Turn) => {
  const calls = choose(3) === 0 ? 0 : 1 + choose(14);
  return { calls, when: choose(2) === 0 ? 'before' : 'after' } as const;
};

/** What a runner does in the holder for its agents: between two of these nothing of it outlives it. */
const points = ['forget', 'setMeta', 'release', 'write', 'spawn', 'list', 'signal'];

/** Up to three lives, each ending in the middle of something. */
const crashPoints = ({ choose }: Turn): CrashPoint[] =>
  Array.from({ length: 1 + choose(3) }, () => ({
    name: points[choose(points.length)] ?? 'forget',
    calls: 1 + choose(2),
    when: choose(2) === 0 ? 'before' : 'after',
    loses: choose(2) === 0,
  }));

const downtimes = [0, 300, 2_500, 20_000];
const delays = [0, 5, 60, 1_200, 6_000];
const absences = [100, 4_900, 9_900, 15_000];

const driverSeen = (page: SimulatedPage, world: World) => page.views.get(world.terminalId)?.transcript.driver;

const acts: Record<ActionType, (turn: Turn) => void> = {
  send: send(({ unique }) => ({ type: 'message.send', text: unique })),
  stop: send((turn) => aboutTurn('turn.stop', transcriptOf(turn)?.turn)),
  rename: send(({ unique }) => ({ type: 'session.rename', title: unique })),
  model: send(({ unique }) => ({ type: 'model.set', model: unique })),
  resume: send((turn) => aboutTurn('turn.resume', transcriptOf(turn)?.interrupted)),
  discard: send((turn) => aboutTurn('turn.discard', transcriptOf(turn)?.interrupted)),
  edit: send((turn) => {
    const messageId = queued(turn);
    return messageId === null ? null : { type: 'queue.edit', messageId, text: turn.unique };
  }),
  remove: send((turn) => {
    const messageId = queued(turn);
    return messageId === null ? null : { type: 'queue.remove', messageId };
  }),
  answer: (turn) => answer(turn.page, turn.sessionId, turn.choose, turn.unique),
  text: ({ page, world, unique }) => page.send(world.terminalId, { type: 'terminal.write', data: `${unique};` }),
  keys: ({ page, choose }) => {
    for (let keys = 1 + choose(3); keys > 0; keys -= 1) page.type();
  },
  retry: ({ page, choose }) => {
    const troubled = page.outbox.filter(({ state }) => state.status === 'failed' || state.status === 'unsure');
    const entry = troubled[choose(Math.max(1, troubled.length))];
    if (entry === undefined) return;
    if (choose(2) === 0) page.retry(entry.id);
    else page.discard(entry.id);
  },
  older: ({ page, world, choose }) => {
    const id = world.sessionIds[choose(world.sessionIds.length)];
    if (id !== undefined) page.readOlder(id).catch((error: unknown) => world.violated(`LINK1: ${String(error)}`));
  },
  take: ({ page, world, choose }) => {
    const { clientId } = page;
    const from = choose(3) === 0 ? {} : { from: driverSeen(page, world)?.clientId ?? null };
    page.send(world.terminalId, { type: 'driver.take', clientId, ...from });
  },
  give: ({ page, world, choose }) => {
    const to = world.pages[choose(world.pages.length)]?.clientId ?? '';
    page.send(world.terminalId, { type: 'driver.give', clientId: page.clientId, to });
  },
  size: ({ page, world, choose }) => {
    const size = { cols: 20 + choose(100), rows: 10 + choose(40) };
    page.send(world.terminalId, { type: 'terminal.resize', ...size, clientId: page.clientId });
  },
  leave: ({ page, world, choose }) => page.leave(world.terminalId, absences[choose(absences.length)] ?? 0),
  end: ({ page, world, sessionId, choose }) =>
    page.send(choose(2) === 0 ? sessionId : world.terminalId, { type: 'session.stop' }),

  work: ({ world, sessionId, choose }) => {
    const step: AgentStep = agentSteps[choose(4)] ?? 'text';
    world.holder.agent(sessionId)?.step(step);
  },
  finish: ({ world, sessionId, choose }) => world.holder.agent(sessionId)?.step(choose(6) === 0 ? 'fail' : 'finish'),
  begin: ({ world, sessionId }) => world.holder.agent(sessionId)?.begin(),
  die: ({ world, sessionId, choose }) => world.holder.kill(choose(6) === 0 ? world.terminalId : sessionId),

  reload: ({ page }) => page.reload(),
  otherTab: ({ page }) => page.reload(true),
  resubscribe: ({ page, world, choose }) => {
    const id = world.sessionIds[choose(world.sessionIds.length)];
    if (id !== undefined) page.resubscribe(id);
  },
  offline: ({ page, choose }) => page.goOffline(choose(2) === 0),
  online: ({ page }) => page.goOnline(),
  wake: ({ page }) => page.wake(),
  cut: ({ page, choose }) => page.wire?.cut(choose(2) === 0),
  halfOpen: ({ page }) => page.wire?.halfOpen(),
  stall: ({ page, choose }) => page.wire?.stall(500 + choose(20_000)),
  weather: ({ world, choose }) => {
    world.network.weather = { delay: delays[choose(delays.length)] ?? 0, repeats: choose(2) * 0.4 };
  },
  runnerCut: ({ world, choose }) => world.runner.wire?.cut(choose(2) === 0),
  runnerHalfOpen: ({ world }) => world.runner.wire?.halfOpen(),
  runnerStall: ({ world, choose }) => world.runner.wire?.stall(500 + choose(20_000)),
  serverCrash: (turn) => {
    const { calls, when } = crash(turn);
    turn.world.crashServer(calls, when, downtimes[turn.choose(downtimes.length)] ?? 0);
  },
  serverDrain: ({ world, choose }) => world.drainServer(downtimes[choose(downtimes.length)] ?? 0),
  runnerCrash: (turn) => {
    const { calls, when } = crash(turn);
    turn.world.runner.fuse?.light(calls, when);
  },
  runnerCrashes: (turn) => {
    turn.world.runner.crashAt(crashPoints(turn));
    if (turn.choose(2) === 0) turn.world.holder.kill(turn.sessionId);
  },
  bothCrash: ({ world, choose }) => {
    world.crashServer(0, 'before', downtimes[choose(downtimes.length)] ?? 0);
    world.runner.fuse?.light(0, 'before');
  },
  holderCrash: ({ world }) => world.holder.crash(),
};

/** One of the open questions this page shows. */
export function answer(page: SimulatedPage, sessionId: string, choose: (below: number) => number, words: string): void {
  const transcript = page.views.get(sessionId)?.transcript;
  if (transcript === undefined || transcript.pendingApprovals.length === 0) return;
  const key = transcript.pendingApprovals[choose(transcript.pendingApprovals.length)];
  const item = key === undefined ? undefined : itemOf(transcript, key);
  if (item?.type !== 'approval') return;
  const decision = choose(2) === 0 ? 'allow' : 'deny';
  page.send(sessionId, {
    type: 'approval.answer',
    approvalId: item.approvalId,
    answer: { decision, message: words },
  });
}
