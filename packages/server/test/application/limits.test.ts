import { type UserLimits, noLimits } from '@holdfast/core/limits/user-limits.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterEach, describe, expect, it } from 'vitest';
import type { HoldfastApplication } from '../../src/application/holdfast-application.ts';
import { Limits } from '../../src/application/limits.ts';
import { ScriptedRunner, login, must, openApplication, stranger } from './fixtures.ts';

const disposals: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

interface Started {
  application: HoldfastApplication;
  runner: ScriptedRunner;
  workspaceId: string;
  /** Of the limits' clock, ms. */
  advance: (ms: number) => void;
}

async function start(limits: Partial<UserLimits>): Promise<Started> {
  const directory = temporaryDirectory();
  disposals.push(() => directory[Symbol.dispose]());
  let now = 0;
  const opened = await openApplication(directory.path, { limits: { ...noLimits, ...limits }, now: () => now });
  disposals.push(async () => {
    opened.application.close();
    await opened.store.close();
  });
  const runner = new ScriptedRunner(opened.application);
  await opened.application.whenReady();
  const workspace = must(await opened.application.createWorkspace(login, { path: '/w' }));
  return { application: opened.application, runner, workspaceId: workspace.id, advance: (ms) => (now += ms) };
}

const agentIn = ({ workspaceId }: Started) => ({ kind: 'agent' as const, workspaceId, agent: { provider: 'demo' } });

describe('limits of one person', () => {
  it('LIMIT5: each of them can be asked for, with what is used; what is not limited says so', async () => {
    const started = await start({ openSessions: 3, startsPerMinute: 2, messagesPerMinute: 4, inputBytesPerSecond: 10 });
    const { application, advance } = started;
    const { session } = must(await application.createSession(login, agentIn(started), null));
    must(await application.command(login, session.id, { id: 'c1', type: 'message.send', text: 'go' }));
    const release = must(application.connection(login));
    const used = async () =>
      must(await application.limits(login)).limits.map(({ name, limit, current }) => [name, limit, current]);
    expect(await used()).toEqual([
      ['openSessions', 3, 1],
      ['runningAgents', 0, 1],
      ['connections', 0, 1],
      ['startsPerMinute', 2, 1],
      ['messagesPerMinute', 4, 1],
      ['sessionMessagesPerMinute', 0, null],
      ['inputBytesPerSecond', 10, 0],
    ]);
    advance(60_000);
    release();
    expect((await used()).map(([, , current]) => current)).toEqual([1, 1, 0, 0, 0, null, 0]);
    expect(must(await application.limits(stranger)).limits.every(({ current }) => !current)).toBe(true);
  });

  it('LIMIT2: one session more than may be open is refused, however many are asked for at once', async () => {
    const started = await start({ openSessions: 3 });
    const { application } = started;
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, index) => application.createSession(login, agentIn(started), `k${index}`)),
    );
    expect(all.filter((one) => one.ok)).toHaveLength(3);
    expect(all.find((one) => !one.ok)).toMatchObject({
      error: { kind: 'quota_exceeded', details: { quota: 'openSessions', limit: 3, current: 3 } },
    });
    expect(must(await application.sessions(login, { limit: 9 })).sessions).toHaveLength(3);
    // A repeat of one that was made is no new one.
    const made = all.findIndex((one) => one.ok);
    expect(must(await application.createSession(login, agentIn(started), `k${made}`)).repeated).toBe(true);
    const [first] = must(await application.sessions(login, { limit: 1 })).sessions;
    must(await application.patchSession(login, first?.id ?? '', { archived: true }));
    must(await application.createSession(login, agentIn(started), 'another'));
  });

  it('SESSION2, LIMIT1: a session that does not fit its kind is refused before anything is counted or kept', async () => {
    const { application, workspaceId } = await start({ startsPerMinute: 1 });
    const unfit = { kind: 'agent' as const, workspaceId };
    expect(await application.createSession(login, unfit, null)).toMatchObject({ error: { kind: 'bad_request' } });
    must(await application.createSession(login, { kind: 'terminal', workspaceId }, null));
    expect(must(await application.sessions(login, { limit: 9 })).sessions).toHaveLength(1);
  });

  it('LIMIT2: an agent more than may work at once is refused its turn, and may begin when another is done', async () => {
    const started = await start({ runningAgents: 1 });
    const { application, runner } = started;
    const [one, two] = await Promise.all(
      ['a', 'b'].map(async (key) => must(await application.createSession(login, agentIn(started), key)).session.id),
    );
    const send = (sessionId = '', id: string) =>
      application.command(login, sessionId, { id, type: 'message.send', text: 'go' });
    const first = await Promise.all([send(one, 'm1'), send(two, 'm2')]);
    expect(first.map((result) => (result.ok ? 'ok' : result.error.kind)).sort()).toEqual(['ok', 'quota_exceeded']);
    const [working, idle] = first[0]?.ok === true ? [one, two] : [two, one];
    // What is at work takes messages into its queue, and a start with a prompt is a turn too.
    must(await send(working, 'm3'));
    const prompted = { ...agentIn(started), agent: { provider: 'demo', prompt: 'go' } };
    expect(await application.createSession(login, prompted, null)).toMatchObject({
      error: { kind: 'quota_exceeded', details: { quota: 'runningAgents' } },
    });
    must(await application.command(login, working ?? '', { id: 's', type: 'turn.stop' }));
    const { deliveryId, instruction } = await eventually('delivered', () => runner.deliveries[0]);
    const turnId = instruction.type === 'turn.start' ? instruction.turnId : '';
    const queued = must(await application.session(login, working ?? '')).agent?.queueLength;
    expect(queued).toBe(1);
    must(await application.command(login, working ?? '', { id: 'r', type: 'queue.remove', messageId: 'm3' }));
    runner.report(working ?? '', 'deliveries', deliveryId, [
      { type: 'turn.ended', data: { turnId, outcome: 'stopped' } },
    ]);
    await eventually('the turn has ended', async () => {
      return must(await application.session(login, working ?? '')).agent?.turn === null;
    });
    must(await send(idle, 'm4'));
    expect(must(await application.session(login, idle ?? ''))).not.toHaveProperty('turnOpen');
  });

  it('LIMIT3, TURN7: messages and starts beyond the rate are told when to come, stopping never waits', async () => {
    const started = await start({ startsPerMinute: 2, messagesPerMinute: 4, sessionMessagesPerMinute: 3 });
    const { application, advance } = started;
    const one = must(await application.createSession(login, agentIn(started), null)).session.id;
    const two = must(await application.createSession(login, agentIn(started), null)).session.id;
    expect(await application.createSession(login, agentIn(started), null)).toMatchObject({
      error: { kind: 'rate_limited', retryAfterMs: 30_000, details: { rate: 'startsPerMinute', limit: 2 } },
    });
    const send = (sessionId: string, id: string) =>
      application.command(login, sessionId, { id, type: 'message.send', text: 'go' });
    for (const id of ['a', 'b', 'c']) must(await send(one, id));
    expect(await send(one, 'd')).toMatchObject({
      error: { kind: 'rate_limited', retryAfterMs: 20_000, details: { rate: 'sessionMessagesPerMinute' } },
    });
    must(await send(two, 'e'));
    expect(await send(two, 'f')).toMatchObject({ error: { kind: 'rate_limited', retryAfterMs: 15_000 } });
    must(await application.command(login, one, { id: 'stop', type: 'turn.stop' }));
    must(await application.command(login, one, { id: 'name', type: 'session.rename', title: 'x' }));
    advance(20_000);
    // Under the id that was refused: the refusal has not used it up.
    must(await send(one, 'd'));
  });

  it('LIMIT3: keys beyond the rate are refused whole, and pass when they come as told', () => {
    let now = 0;
    const limits = new Limits({ ...noLimits, inputBytesPerSecond: 100_000 }, () => now);
    expect(limits.input('ada', 65_536).ok).toBe(true);
    const refused = limits.input('ada', 65_536);
    expect(refused).toMatchObject({ ok: false, error: { kind: 'rate_limited', retryAfterMs: 311 } });
    expect(limits.input('bob', 65_536).ok).toBe(true);
    now += 311;
    expect(limits.input('ada', 65_536).ok).toBe(true);
  });

  it('LIMIT2: a connection more is refused until one is given back, once', () => {
    const limits = new Limits({ ...noLimits, connections: 2 }, () => 0);
    const [first] = [must(limits.connection('ada')), must(limits.connection('ada'))];
    expect(limits.connection('ada')).toMatchObject({ ok: false, error: { details: { limit: 2, current: 2 } } });
    must(limits.connection('bob'));
    first?.();
    first?.();
    must(limits.connection('ada'));
    expect(limits.connection('ada').ok).toBe(false);
  });

  it('LIMIT1: what one person uses is not counted against another', async () => {
    const started = await start({ openSessions: 1, startsPerMinute: 1 });
    const { application } = started;
    must(await application.createSession(login, agentIn(started), null));
    const theirs = must(await application.createWorkspace(stranger, { path: '/v' }));
    must(await application.createSession(stranger, { ...agentIn(started), workspaceId: theirs.id }, null));
  });
});
