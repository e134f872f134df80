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
const opened = (state: ConnectionState): ConnectionEvent => ({ type: 'opened', attemptId: state.attemptId });
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
    const { pause } = connectionTimes;
    const longest = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((attempt) => fullJitter(attempt, 0.999_999, pause));
    expect(longest).toEqual([499, 999, 1999, 3999, 7999, 15999, 29999, 29999, 29999]);
    expect(fullJitter(9, 0, pause)).toBe(0);
  });

  it('LINK5: each failed attempt is followed by a longer pause, and attempts end only with close', () => {
    const events: { at: number; event: ConnectionEvent | ((state: ConnectionState) => ConnectionEvent) }[] = [...live];
    const pauses: number[] = [];
    let at = 100_000;
    events.push({ at, event: lost() });
    for (let round = 0; round < 10; round += 1) {
      const { view } = run(events).state;
      if (view.status !== 'backoff') throw new Error(view.status);
      pauses.push(view.retryAt - at);
      at = view.retryAt;
      events.push({ at, event: tick }, { at, event: lost() });
    }
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000]);
    expect(run([...events, { at, event: { type: 'close' } }]).state.view.status).toBe('idle');
  });

  it('LINK5: a connection that dies young does not make the pauses short again', () => {
    const flapping = [0, 1, 2, 3, 4].flatMap((round) => [
      { at: round * 40_000, event: round === 0 ? connect : tick },
      { at: round * 40_000 + 10, event: opened },
      { at: round * 40_000 + 20, event: lost() },
    ]);
    const { view } = run(flapping).state;
    if (view.status !== 'backoff') throw new Error(view.status);
    expect(view.retryAt - 160_020).toBe(4_000);
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
    const dead = run([...live, { at: 1_000, event: wake }, { at: 1_000 + connectionTimes.check, event: tick }]);
    expect(dead.effects.at(-1)).toEqual({ type: 'open', attemptId: 2 });
    const alive = run([
      ...live,
      { at: 1_000, event: wake },
      { at: 1_100, event: heard },
      { at: 1_000 + connectionTimes.check, event: tick },
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

  it('LINK5: what an earlier attempt still says is not heard', () => {
    const replaced = [...live, { at: 30_020, event: tick }];
    const before = run(replaced);
    expect(before.state).toMatchObject({ attemptId: 2, view: { status: 'connecting' } });
    const late: ConnectionEvent[] = [
      { type: 'opened', attemptId: 1 },
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
      fc
        .constantFrom('opened' as const, 'caught-up' as const, 'heard' as const)
        .chain((type) => fc.record({ type: fc.constant(type), attemptId })),
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
          expect(open.size).toBe(state.view.status === 'connecting' || isConnected(state) ? 1 : 0);
          const rests = state.view.status === 'idle' || state.view.status === 'failed';
          expect(nextDeadline(state) === null).toBe(rests);
          if (state.view.status === 'backoff') expect(state.view.retryAt - at).toBeLessThanOrEqual(30_000);
        }
      }),
      { numRuns: 300 },
    );
  });
});
