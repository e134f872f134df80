import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  connectionTimes,
  initialConnection,
  isConnected,
  nextDeadline,
  stepConnection,
} from '@holdfast/core/client/connection.ts';
import { fullJitter } from '@holdfast/core/client/backoff.ts';
import { livenessTimes } from '@holdfast/core/link/liveness.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';

const away: ErrorBody = { kind: 'unavailable', message: 'away' };

/** Runs events one after the other; a function makes the event from the state. */
function run(
  events: readonly { at: number; event: ConnectionEvent | ((state: ConnectionState) => ConnectionEvent) }[],
  firstFailure: 'fail' | 'retry' = 'retry',
  random = 0.5,
): { state: ConnectionState; effects: ConnectionEffect[] } {
  let state = initialConnection;
  const effects: ConnectionEffect[] = [];
  for (const { at, event } of events) {
    const step = stepConnection(
      state,
      typeof event === 'function' ? event(state) : event,
      { at, random },
      { firstFailure },
    );
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects };
}

const connect: ConnectionEvent = { type: 'connect' };
const tick: ConnectionEvent = { type: 'tick' };
const opened = (state: ConnectionState): ConnectionEvent => openedTo('one')(state);
const openedTo =
  (serverId: string) =>
  (state: ConnectionState): ConnectionEvent => ({ type: 'opened', attemptId: state.attemptId, serverId });
const caughtUp = (state: ConnectionState): ConnectionEvent => ({ type: 'caught-up', attemptId: state.attemptId });
const heard = (state: ConnectionState): ConnectionEvent => ({ type: 'heard', attemptId: state.attemptId });
const lost =
  (error: ErrorBody = away) =>
  (state: ConnectionState): ConnectionEvent => ({ type: 'lost', attemptId: state.attemptId, error });
const live = [
  { at: 0, event: connect },
  { at: 10, event: opened },
  { at: 20, event: caughtUp },
];

describe('connection', () => {
  it('LINK5: goes from idle over connecting and catching-up to live, with one attempt', () => {
    expect(run([{ at: 0, event: connect }]).state.view).toEqual({ status: 'connecting', attempt: 1 });
    expect(run(live.slice(0, 2)).state.view.status).toBe('catching-up');
    const { state, effects } = run([...live, { at: 30, event: connect }]);
    expect(state.view.status).toBe('live');
    expect(effects).toEqual([{ type: 'open', attemptId: 1 }]);
  });

  it('LINK5: pauses grow to the cap and are spread over their whole length', () => {
    const pause = { base: connectionTimes.pause.base, cap: connectionTimes.pause.far };
    const longest = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((attempt) => fullJitter(attempt, 0.999_999, pause));
    expect(longest).toEqual([499, 999, 1999, 3999, 7999, 15999, 29999, 29999, 29999]);
    expect(fullJitter(9, 0, pause)).toBe(0);
  });

  /** The pauses after a live connection was lost and every attempt since then. */
  const pausesOf = (error: ErrorBody, ...before: Parameters<typeof run>[0]): number[] => {
    const events: Parameters<typeof run>[0][number][] = [...live, ...before];
    const pauses: number[] = [];
    let at = 100_000;
    events.push({ at, event: lost(error) });
    for (let round = 0; round < 10; round += 1) {
      const { view } = run(events).state;
      if (view.status !== 'backoff') throw new Error(view.status);
      pauses.push(view.retryAt - at);
      at = view.retryAt;
      events.push({ at, event: tick }, { at, event: lost(error) });
    }
    expect(run([...events, { at, event: { type: 'close' } }]).state.view.status).toBe('idle');
    return pauses;
  };

  it('LINK5: each failed attempt is followed by a longer pause, and attempts end only with close', () => {
    const overloaded: ErrorBody = { kind: 'quota_exceeded', message: 'too many' };
    expect(pausesOf(overloaded)).toEqual([250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000]);
  });

  it('LINK14: where nobody answers the pauses stay short while somebody looks, and grow while nobody does', () => {
    const near = [250, 500, 1000, 2000, 2000, 2000, 2000, 2000, 2000, 2000];
    const far = [250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000];
    expect(pausesOf(away)).toEqual(near);
    const unwatched: ConnectionEvent = { type: 'unwatched' };
    expect(pausesOf(away, { at: 30, event: unwatched })).toEqual(far);
    const seen: ConnectionEvent = { type: 'wake', reason: 'foreground' };
    expect(pausesOf(away, { at: 30, event: unwatched }, { at: 40, event: seen })).toEqual(near);
    // A server that lives and asks for time gets it.
    expect(pausesOf({ ...away, retryAfterMs: 3_000 }).slice(0, 6)).toEqual([3000, 3000, 3000, 3000, 4000, 8000]);
  });

  it('LINK14: a server that was restarted is expected back at once, however often; one that hangs up at once is not', () => {
    const lives = (name: (round: number) => string, life: number): number => {
      const flapping = [0, 1, 2, 3, 4].flatMap((round) => [
        { at: round * 40_000, event: round === 0 ? connect : tick },
        { at: round * 40_000 + 10, event: openedTo(name(round)) },
        { at: round * 40_000 + 10 + life, event: lost() },
      ]);
      const { view } = run(flapping).state;
      if (view.status !== 'backoff') throw new Error(view.status);
      return view.retryAt - (160_010 + life);
    };
    expect(lives((round) => `server-${round}`, 10)).toBe(250);
    expect(lives(() => 'server', 10)).toBe(4_000);
    expect(lives(() => 'server', connectionTimes.settled)).toBe(250);
  });

  it.each([
    ['unauthenticated', 'login'],
    ['forbidden', 'login'],
    ['unsupported_version', 'reload'],
  ] as const)('LINK5: %s ends all attempts, also of a connection that was live (%s)', (kind, remedy) => {
    const error: ErrorBody = { kind, message: 'no' };
    for (const events of [live.slice(0, 1), live]) {
      const { state } = run([...events, { at: 50, event: lost(error) }]);
      expect(state.view).toEqual({ status: 'failed', error, remedy });
      expect(nextDeadline(state)).toBeNull();
      const later = run([
        ...events,
        { at: 50, event: lost(error) },
        { at: 60, event: { type: 'wake', reason: 'online' } },
      ]);
      expect(later.state.view.status).toBe('failed');
    }
  });

  it('LINK5: a failed first connect is reported once; stops or goes on as asked', () => {
    const attempts = [
      { at: 0, event: connect },
      { at: 10, event: lost() },
      { at: 10_000, event: tick },
      { at: 10_010, event: lost() },
    ];
    const stubborn = run(attempts, 'retry');
    expect(stubborn.effects.filter((effect) => effect.type === 'report')).toEqual([{ type: 'report', error: away }]);
    expect(stubborn.state.view.status).toBe('backoff');
    const modest = run(attempts, 'fail');
    expect(modest.effects.filter((effect) => effect.type === 'report')).toHaveLength(1);
    expect(modest.state.view).toEqual({ status: 'failed', error: away, remedy: 'retry' });
    const later = run([...live, { at: 90_000, event: lost() }], 'fail');
    expect(later.state.view.status).toBe('backoff');
    expect(later.effects.some((effect) => effect.type === 'report')).toBe(false);
  });

  it('LINK5: an attempt that hangs is given up', () => {
    const { state, effects } = run([
      { at: 0, event: connect },
      { at: connectionTimes.open, event: tick },
    ]);
    expect(state.view.status).toBe('backoff');
    expect(effects).toContainEqual({ type: 'drop', attemptId: 1 });
  });

  it('LINK5: the server says how long to stay away', () => {
    const { state } = run([...live, { at: 100, event: lost({ ...away, retryAfterMs: 9_000 }) }]);
    expect(state.view).toMatchObject({ status: 'backoff', retryAt: 9_100 });
  });

  it('LINK8: pings every 15 s and is dead after 30 s of silence', () => {
    const pinged = run([...live, { at: 15_010, event: tick }]);
    expect(pinged.effects).toContainEqual({ type: 'ping', attemptId: 1, nonce: '1-1' });
    expect(nextDeadline(pinged.state)).toBe(30_010);
    const silent = run([...live, { at: 15_010, event: tick }, { at: 30_010, event: tick }]);
    expect(silent.effects.slice(-2)).toEqual([
      { type: 'drop', attemptId: 1 },
      { type: 'open', attemptId: 2 },
    ]);
    const talking = run([
      ...live,
      { at: 15_010, event: tick },
      { at: 29_000, event: heard },
      { at: 30_010, event: tick },
    ]);
    expect(talking.state.view.status).toBe('live');
  });

  it('LINK8: only the nonce that was asked for is a round trip', () => {
    const pong =
      (nonce: string) =>
      (state: ConnectionState): ConnectionEvent => ({
        type: 'pong',
        attemptId: state.attemptId,
        nonce,
      });
    const asked = [...live, { at: 15_010, event: tick }];
    expect(run([...asked, { at: 15_050, event: pong('1-1') }]).effects).toContainEqual({ type: 'latency', ms: 40 });
    expect(run([...asked, { at: 15_050, event: pong('1-0') }]).effects.some(({ type }) => type === 'latency')).toBe(
      false,
    );
  });

  it.each(['foreground', 'online', 'network-change'] as const)('LINK8: %s checks at once', (reason) => {
    const wake: ConnectionEvent = { type: 'wake', reason };
    const checked = run([...live, { at: 1_000, event: wake }]);
    expect(checked.effects.at(-1)).toEqual({ type: 'ping', attemptId: 1, nonce: '1-1' });
    const dead = run([...live, { at: 1_000, event: wake }, { at: 1_000 + livenessTimes.check, event: tick }]);
    expect(dead.effects.at(-1)).toEqual({ type: 'open', attemptId: 2 });
    const alive = run([
      ...live,
      { at: 1_000, event: wake },
      { at: 1_100, event: heard },
      { at: 1_000 + livenessTimes.check, event: tick },
    ]);
    expect(alive.state.view.status).toBe('live');
    const waiting = run([...live, { at: 1_000, event: lost() }, { at: 1_001, event: wake }]);
    expect(waiting.state.view.status).toBe('connecting');
    const hanging = run([
      { at: 0, event: connect },
      { at: 5_000, event: wake },
    ]);
    expect(hanging.effects.slice(-2)).toEqual([
      { type: 'drop', attemptId: 1 },
      { type: 'open', attemptId: 2 },
    ]);
  });

  describe('a server that says that it goes', () => {
    const move = (state: ConnectionState): ConnectionEvent => ({
      type: 'move',
      attemptId: state.attemptId,
      withinMs: 500,
    });
    const told = [...live, { at: 1_000, event: move }];

    it('LINK15: the connection is used until its moment, then left for another, and nothing is said to be wrong', () => {
      const { state } = run(told);
      expect(state.view.status).toBe('live');
      expect(nextDeadline(state)).toBe(1_250);
      const left = run([...told, { at: 1_250, event: tick }]);
      expect(left.state.view).toEqual({ status: 'moving', attempt: 1, retryAt: null });
      expect(left.effects.slice(-2)).toEqual([
        { type: 'drop', attemptId: 1 },
        { type: 'open', attemptId: 2 },
      ]);
      const there = run([...told, { at: 1_250, event: tick }, { at: 1_300, event: openedTo('two') }]);
      expect(there.state.view.status).toBe('catching-up');
      const later = run([
        ...told,
        { at: 1_250, event: tick },
        { at: 1_300, event: openedTo('two') },
        { at: 9_000, event: lost() },
      ]);
      expect(later.state.view.status).toBe('backoff');
    });

    it('LINK15: it stays calm while the server is away for a moment, and says so when it is not a moment any more', () => {
      const waiting = run([...told, { at: 1_250, event: tick }, { at: 1_260, event: lost() }]);
      expect(waiting.state.view).toEqual({ status: 'moving', attempt: 1, retryAt: 1_510 });
      const again = run([
        ...told,
        { at: 1_250, event: tick },
        { at: 1_260, event: lost() },
        { at: 1_510, event: tick },
      ]);
      expect(again.state.view).toEqual({ status: 'moving', attempt: 2, retryAt: null });
      const { calm } = connectionTimes;
      const late = run([
        ...told,
        { at: 1_250, event: tick },
        { at: 1_260, event: lost() },
        { at: 1_510, event: tick },
        { at: 1_500 + calm, event: lost() },
      ]);
      expect(late.state.view.status).toBe('backoff');
    });

    it('LINK15: cut off before its moment, or found dead, it goes on as well', () => {
      expect(run([...told, { at: 1_100, event: lost() }]).state.view).toEqual({
        status: 'moving',
        attempt: 1,
        retryAt: 1_350,
      });
      expect(run([...told, { at: 1_100, event: move }]).state.move?.leaveAt).toBe(1_250);
      const refused = run([
        ...told,
        { at: 1_250, event: tick },
        { at: 1_260, event: lost({ kind: 'unauthenticated', message: 'no' }) },
      ]);
      expect(refused.state.view.status).toBe('failed');
      const dialling = run([
        { at: 0, event: connect },
        { at: 10, event: move },
      ]);
      expect(dialling.state.view.status).toBe('connecting');
    });
  });

  it('LINK5: what an earlier attempt still says is not heard', () => {
    const replaced = [...live, { at: 30_020, event: tick }];
    const before = run(replaced);
    expect(before.state).toMatchObject({ attemptId: 2, view: { status: 'connecting' } });
    const late: ConnectionEvent[] = [
      { type: 'opened', attemptId: 1, serverId: 'one' },
      { type: 'lost', attemptId: 1, error: { kind: 'unauthenticated', message: 'no' } },
    ];
    for (const event of late) {
      const after = run([...replaced, { at: 30_030, event }]);
      expect(after).toEqual(before);
    }
  });

  it('LINK5: whatever happens in whatever order, one attempt at a time and never stuck', () => {
    const attemptId = fc.integer({ min: 0, max: 6 });
    const error = fc.constantFrom<ErrorBody>(away, { kind: 'unauthenticated', message: 'no' });
    const event = fc.oneof(
      fc.constant<ConnectionEvent>(connect),
      fc.constant<ConnectionEvent>(tick),
      fc.constant<ConnectionEvent>({ type: 'wake', reason: 'online' }),
      fc.record({ type: fc.constant('opened' as const), attemptId, serverId: fc.constantFrom('one', 'two') }),
      fc.record({ type: fc.constant('move' as const), attemptId, withinMs: fc.integer({ min: 0, max: 5_000 }) }),
      fc.constant<ConnectionEvent>({ type: 'unwatched' }),
      fc.record({ type: fc.constantFrom('caught-up' as const, 'heard' as const), attemptId }),
      fc.record({ type: fc.constant('lost' as const), attemptId, error }),
      fc.record({ type: fc.constant('pong' as const), attemptId, nonce: fc.constantFrom('1-1', 'x') }),
    );
    const history = fc.array(fc.record({ event, wait: fc.integer({ min: 0, max: 40_000 }) }), { maxLength: 60 });
    fc.assert(
      fc.property(history, fc.double({ min: 0, max: 0.999, noNaN: true }), (events, random) => {
        let state = initialConnection;
        let at = 0;
        const open = new Set<number>();
        for (const { event: next, wait } of events) {
          at += wait;
          const step = stepConnection(state, next, { at, random }, { firstFailure: 'retry' });
          state = step.state;
          for (const effect of step.effects) {
            if (effect.type === 'open') open.add(effect.attemptId);
            if (effect.type === 'drop') open.delete(effect.attemptId);
          }
          const { view } = state;
          const dialling = view.status === 'connecting' || (view.status === 'moving' && view.retryAt === null);
          expect(open.size).toBe(dialling || isConnected(state) ? 1 : 0);
          const rests = view.status === 'idle' || view.status === 'failed';
          expect(nextDeadline(state) === null).toBe(rests);
          if (view.status === 'backoff') expect(view.retryAt - at).toBeLessThanOrEqual(30_000);
        }
      }),
      { numRuns: 300 },
    );
  });
});
