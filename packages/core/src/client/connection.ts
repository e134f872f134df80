/**
 * The life of a client's connection as a total state machine. The caller owns sockets, timers and randomness: it tells
 * events, carries out effects, and says `tick` when nextDeadline() has come. At most one attempt exists at a time; each
 * has a number, and what an earlier one still says is not heard.
 */
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import { fullJitter } from './backoff.ts';

export const connectionTimes = {
  /** Milliseconds between two pings. */
  ping: 15_000,
  /** Nothing heard for so long: the link is dead. */
  stale: 30_000,
  /** After a wake-up an answer must come within this. */
  check: 4_000,
  /** A connection that lasted less counts as one more failed attempt. */
  settled: 10_000,
  /** One attempt, from dialling to the server's hello. */
  open: 15_000,
  pause: { base: 500, cap: 30_000 },
} as const;

export type WakeReason = 'foreground' | 'online' | 'network-change';

/** What a person may be shown. */
export type ConnectionView =
  | { readonly status: 'idle' }
  /** attempt counts from 1 since the last time it was connected. */
  | { readonly status: 'connecting'; readonly attempt: number }
  /** Connected; sessions are being brought up to date. */
  | { readonly status: 'catching-up' }
  | { readonly status: 'live' }
  /** The next attempt is at clock time retryAt. */
  | { readonly status: 'backoff'; readonly attempt: number; readonly retryAt: number; readonly error: ErrorBody }
  /** No further attempt by itself. login: log in again; reload: the page is older than the server. */
  | { readonly status: 'failed'; readonly error: ErrorBody; readonly remedy: 'login' | 'reload' | 'retry' };

export interface ConnectionState {
  readonly view: ConnectionView;
  /** Number of the attempt under way or of the open connection. */
  readonly attemptId: number;
  /** Some attempt succeeded since the start. */
  readonly everConnected: boolean;
  /** The failure of the first connect has been told. */
  readonly reported: boolean;
  /** Attempts since it was last connected for long enough; the pauses grow with it. */
  readonly attempts: number;
  /** connecting: give up at. */
  readonly openBy: number;
  readonly openedAt: number;
  readonly lastHeard: number;
  readonly nextPing: number;
  readonly pings: number;
  readonly ping: { readonly nonce: string; readonly sentAt: number } | null;
  /** Something must be heard before this (after a wake-up); null: no check under way. */
  readonly checkBy: number | null;
}

export type ConnectionEvent =
  | { readonly type: 'connect' }
  | { readonly type: 'close' }
  /** The attempt is through, the server's hello included. */
  | { readonly type: 'opened'; readonly attemptId: number }
  /** The attempt failed, or the open connection ended. */
  | { readonly type: 'lost'; readonly attemptId: number; readonly error: ErrorBody }
  /** Every open session is up to date. */
  | { readonly type: 'caught-up'; readonly attemptId: number }
  /** Anything came from the server. */
  | { readonly type: 'heard'; readonly attemptId: number }
  | { readonly type: 'pong'; readonly attemptId: number; readonly nonce: string }
  | { readonly type: 'wake'; readonly reason: WakeReason }
  | { readonly type: 'tick' };

export type ConnectionEffect =
  | { readonly type: 'open'; readonly attemptId: number }
  /** Drop the attempt or connection; nothing it says counts any more. */
  | { readonly type: 'drop'; readonly attemptId: number }
  | { readonly type: 'ping'; readonly attemptId: number; readonly nonce: string }
  /** A round trip took so long. */
  | { readonly type: 'latency'; readonly ms: number }
  /** The very first connect failed: tell it once. */
  | { readonly type: 'report'; readonly error: ErrorBody };

export interface ConnectionMoment {
  /** Clock milliseconds. */
  readonly at: number;
  /** In [0, 1), fresh for each step. */
  readonly random: number;
}

export interface ConnectionSettings {
  /** After a failed first connect: stop, or go on trying. */
  readonly firstFailure: 'fail' | 'retry';
}

export interface ConnectionStep {
  readonly state: ConnectionState;
  readonly effects: readonly ConnectionEffect[];
}

export const initialConnection: ConnectionState = {
  view: { status: 'idle' },
  attemptId: 0,
  everConnected: false,
  reported: false,
  attempts: 0,
  openBy: 0,
  openedAt: 0,
  lastHeard: 0,
  nextPing: 0,
  pings: 0,
  ping: null,
  checkBy: null,
};

export const isConnected = (state: ConnectionState): boolean =>
  state.view.status === 'catching-up' || state.view.status === 'live';

/** When to say `tick`, in clock milliseconds; null: not before something else happens. */
export function nextDeadline(state: ConnectionState): number | null {
  switch (state.view.status) {
    case 'connecting':
      return state.openBy;
    case 'backoff':
      return state.view.retryAt;
    case 'catching-up':
    case 'live':
      return Math.min(state.nextPing, state.lastHeard + connectionTimes.stale, state.checkBy ?? Infinity);
    case 'idle':
    case 'failed':
      return null;
  }
}

const noAnswer: ErrorBody = { kind: 'timeout', message: 'the server could not be reached in time' };

export function stepConnection(
  state: ConnectionState,
  event: ConnectionEvent,
  moment: ConnectionMoment,
  settings: ConnectionSettings,
): ConnectionStep {
  if ('attemptId' in event && event.attemptId !== state.attemptId) return { state, effects: [] };
  switch (event.type) {
    case 'connect':
      return state.view.status === 'idle' || state.view.status === 'failed'
        ? open(state, 1, moment, [])
        : { state, effects: [] };
    case 'close':
      return {
        state: { ...state, view: { status: 'idle' }, attemptId: state.attemptId + 1, ping: null, checkBy: null },
        effects: hasSocket(state) ? [{ type: 'drop', attemptId: state.attemptId }] : [],
      };
    case 'opened':
      return state.view.status === 'connecting'
        ? {
            state: {
              ...state,
              view: { status: 'catching-up' },
              everConnected: true,
              openedAt: moment.at,
              lastHeard: moment.at,
              nextPing: moment.at + connectionTimes.ping,
              ping: null,
              checkBy: null,
            },
            effects: [],
          }
        : { state, effects: [] };
    case 'lost':
      return hasSocket(state) ? lost(state, event.error, moment, settings) : { state, effects: [] };
    case 'caught-up':
      return state.view.status === 'catching-up'
        ? { state: { ...state, view: { status: 'live' } }, effects: [] }
        : { state, effects: [] };
    case 'heard':
      return { state: isConnected(state) ? heard(state, moment) : state, effects: [] };
    case 'pong':
      return isConnected(state) ? pong(state, event.nonce, moment) : { state, effects: [] };
    case 'wake':
      return wake(state, moment);
    case 'tick':
      return tick(state, moment, settings);
  }
}

const hasSocket = (state: ConnectionState): boolean => state.view.status === 'connecting' || isConnected(state);

const heard = (state: ConnectionState, moment: ConnectionMoment): ConnectionState => ({
  ...state,
  lastHeard: moment.at,
  checkBy: null,
});

function open(
  state: ConnectionState,
  attempt: number,
  moment: ConnectionMoment,
  before: readonly ConnectionEffect[],
): ConnectionStep {
  const attemptId = state.attemptId + 1;
  return {
    state: {
      ...state,
      view: { status: 'connecting', attempt },
      attemptId,
      attempts: attempt,
      openBy: moment.at + connectionTimes.open,
      ping: null,
      checkBy: null,
    },
    effects: [...before, { type: 'open', attemptId }],
  };
}

function lost(
  state: ConnectionState,
  error: ErrorBody,
  moment: ConnectionMoment,
  settings: ConnectionSettings,
): ConnectionStep {
  const effects: ConnectionEffect[] = [{ type: 'drop', attemptId: state.attemptId }];
  const gone: ConnectionState = { ...state, attemptId: state.attemptId + 1, ping: null, checkBy: null };
  const remedy = remedyOf(error);
  const first = !state.everConnected;
  if (first && !state.reported) effects.push({ type: 'report', error });
  const reported = state.reported || first;
  if (remedy !== 'retry' || (first && settings.firstFailure === 'fail')) {
    return { state: { ...gone, reported, view: { status: 'failed', error, remedy } }, effects };
  }
  // A server that greets and hangs up again and again must not be dialled at full speed.
  const settled = isConnected(state) && moment.at - state.openedAt >= connectionTimes.settled;
  const attempt = settled ? 1 : Math.max(1, state.attempts);
  const pause = Math.max(fullJitter(attempt, moment.random, connectionTimes.pause), error.retryAfterMs ?? 0);
  return {
    state: { ...gone, reported, view: { status: 'backoff', attempt, retryAt: moment.at + pause, error } },
    effects,
  };
}

function remedyOf(error: ErrorBody): 'login' | 'reload' | 'retry' {
  if (error.kind === 'unauthenticated' || error.kind === 'forbidden') return 'login';
  if (error.kind === 'unsupported_version') return 'reload';
  return 'retry';
}

function pong(state: ConnectionState, nonce: string, moment: ConnectionMoment): ConnectionStep {
  if (state.ping?.nonce !== nonce) return { state: heard(state, moment), effects: [] };
  return {
    state: { ...heard(state, moment), ping: null },
    effects: [{ type: 'latency', ms: moment.at - state.ping.sentAt }],
  };
}

function ping(state: ConnectionState, moment: ConnectionMoment): ConnectionStep {
  const nonce = `${state.attemptId}-${state.pings + 1}`;
  return {
    state: {
      ...state,
      pings: state.pings + 1,
      ping: { nonce, sentAt: moment.at },
      nextPing: moment.at + connectionTimes.ping,
    },
    effects: [{ type: 'ping', attemptId: state.attemptId, nonce }],
  };
}

/** The person is looking, or the network is another one: find out now whether the link is alive. */
function wake(state: ConnectionState, moment: ConnectionMoment): ConnectionStep {
  switch (state.view.status) {
    case 'backoff':
      return open(state, state.attempts + 1, moment, []);
    case 'connecting': {
      // An attempt begun on a network that is gone hangs until its time is over: begin it again, but not more often
      // than an attempt needs.
      const begun = state.openBy - connectionTimes.open;
      if (moment.at - begun < connectionTimes.check) return { state, effects: [] };
      return open(state, state.view.attempt, moment, [{ type: 'drop', attemptId: state.attemptId }]);
    }
    case 'catching-up':
    case 'live': {
      const asked = ping(state, moment);
      return { state: { ...asked.state, checkBy: moment.at + connectionTimes.check }, effects: asked.effects };
    }
    case 'idle':
    case 'failed':
      return { state, effects: [] };
  }
}

function tick(state: ConnectionState, moment: ConnectionMoment, settings: ConnectionSettings): ConnectionStep {
  switch (state.view.status) {
    case 'backoff':
      return moment.at >= state.view.retryAt ? open(state, state.view.attempt + 1, moment, []) : { state, effects: [] };
    case 'connecting':
      return moment.at >= state.openBy ? lost(state, noAnswer, moment, settings) : { state, effects: [] };
    case 'catching-up':
    case 'live': {
      const deadAt = Math.min(state.lastHeard + connectionTimes.stale, state.checkBy ?? Infinity);
      if (moment.at >= deadAt) return open(state, 1, moment, [{ type: 'drop', attemptId: state.attemptId }]);
      return moment.at >= state.nextPing ? ping(state, moment) : { state, effects: [] };
    }
    case 'idle':
    case 'failed':
      return { state, effects: [] };
  }
}
