/**
 * The life of a client's connection as a total state machine. The caller owns sockets, timers and randomness: it tells
 * events, carries out effects, and says `tick` when nextDeadline() has come. At most one attempt exists at a time; each
 * has a number, and what an earlier one still says is not heard.
 */
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import {
  type Liveness,
  answered,
  ask,
  check,
  deadAt,
  heard,
  livenessDue,
  livenessTimes,
  newLiveness,
} from '../link/liveness.ts';
import { fullJitter } from './backoff.ts';

/** Milliseconds. */
export const connectionTimes = {
  /** One attempt, from dialling to the server's hello. */
  open: 15_000,
  /** A server that hangs up sooner than this, and is no other process than before, is left alone for longer each time. */
  settled: 3_000,
  /** A server that said it would go may be away for so long before anything is said to be wrong. */
  calm: 20_000,
  pause: {
    base: 500,
    /** While somebody looks and nobody answers: a server that is back is found soon, and one that is not is asked every two seconds on average. */
    near: 4_000,
    /** While nobody looks, and where a server answers that it will not or hangs up at once. */
    far: 30_000,
  },
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
  /** The server said that it would go, and another is looked for: nothing is wrong. retryAt null: an attempt is under way. */
  | { readonly status: 'moving'; readonly attempt: number; readonly retryAt: number | null }
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
  /** Attempts that led nowhere, one after the other; the pauses grow with it. */
  readonly attempts: number;
  /** While an attempt is under way: give up at. */
  readonly openBy: number;
  readonly openedAt: number;
  /** The server process of the last connection; null: none yet. */
  readonly serverId: string | null;
  /** The last connection was the first one to its server process. */
  readonly firstToServer: boolean;
  /** Of the open connection. */
  readonly liveness: Liveness;
  /** The server has said that it goes: at `leaveAt` the connection is left; from `calmUntil` on it is trouble like any other. */
  readonly move: { readonly leaveAt: number; readonly calmUntil: number } | null;
  /** Somebody looks, as far as is known. */
  readonly watched: boolean;
}

export type ConnectionEvent =
  | { readonly type: 'connect' }
  | { readonly type: 'close' }
  /** The attempt is through, the server's hello included. serverId: names its process. */
  | { readonly type: 'opened'; readonly attemptId: number; readonly serverId: string }
  /** The attempt failed, or the open connection ended. */
  | { readonly type: 'lost'; readonly attemptId: number; readonly error: ErrorBody }
  /** Every open session is up to date. */
  | { readonly type: 'caught-up'; readonly attemptId: number }
  /** Anything came from the server. */
  | { readonly type: 'heard'; readonly attemptId: number }
  | { readonly type: 'pong'; readonly attemptId: number; readonly nonce: string }
  /** The connection is to be left within so many ms for another, and nothing is wrong. */
  | { readonly type: 'move'; readonly attemptId: number; readonly withinMs: number }
  | { readonly type: 'wake'; readonly reason: WakeReason }
  /** Nobody looks, until it wakes in the foreground. */
  | { readonly type: 'unwatched' }
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
  serverId: null,
  firstToServer: false,
  liveness: newLiveness(0),
  move: null,
  watched: true,
};

export const isConnected = ({ view }: ConnectionState): boolean =>
  view.status === 'catching-up' || view.status === 'live';

const isDialling = ({ view }: ConnectionState): boolean =>
  view.status === 'connecting' || (view.status === 'moving' && view.retryAt === null);

/** When the next attempt is due, while none is under way and one will be; else null. */
const dueAttempt = ({ view }: ConnectionState): { retryAt: number; attempt: number } | null =>
  (view.status === 'backoff' || view.status === 'moving') && view.retryAt !== null
    ? { retryAt: view.retryAt, attempt: view.attempt }
    : null;

/** When to say `tick`, in clock milliseconds; null: not before something else happens. */
export function nextDeadline(state: ConnectionState): number | null {
  if (isConnected(state)) return Math.min(livenessDue(state.liveness), state.move?.leaveAt ?? Infinity);
  if (isDialling(state)) return state.openBy;
  return dueAttempt(state)?.retryAt ?? null;
}

const noAnswer: ErrorBody = { kind: 'timeout', message: 'the server could not be reached in time' };

export function stepConnection(
  state: ConnectionState,
  event: ConnectionEvent,
  moment: ConnectionMoment,
  settings: ConnectionSettings,
): ConnectionStep {
  if ('attemptId' in event && event.attemptId !== state.attemptId) return stay(state);
  switch (event.type) {
    case 'connect':
      return state.view.status === 'idle' || state.view.status === 'failed' ? open(state, 1, moment) : stay(state);
    case 'close':
      return {
        state: { ...state, view: { status: 'idle' }, attemptId: state.attemptId + 1, move: null },
        effects: isDialling(state) || isConnected(state) ? [{ type: 'drop', attemptId: state.attemptId }] : [],
      };
    case 'opened':
      return stay(isDialling(state) ? opened(state, event.serverId, moment) : state);
    case 'lost':
      return isDialling(state) || isConnected(state) ? lost(state, event.error, moment, settings) : stay(state);
    case 'caught-up':
      return stay(state.view.status === 'catching-up' ? { ...state, view: { status: 'live' } } : state);
    case 'heard':
      return stay(isConnected(state) ? { ...state, liveness: heard(state.liveness, moment.at) } : state);
    case 'pong':
      return isConnected(state) ? pong(state, event.nonce, moment) : stay(state);
    case 'move':
      return isConnected(state) ? move(state, event.withinMs, moment) : stay(state);
    case 'wake':
      return wake(event.reason === 'foreground' ? { ...state, watched: true } : state, moment);
    case 'unwatched':
      return stay({ ...state, watched: false });
    case 'tick':
      return tick(state, moment, settings);
  }
}

const stay = (state: ConnectionState): ConnectionStep => ({ state, effects: [] });

/** The connection or attempt there is, is dropped. */
function open(state: ConnectionState, attempt: number, { at }: ConnectionMoment): ConnectionStep {
  const attemptId = state.attemptId + 1;
  const drop: ConnectionEffect[] =
    isDialling(state) || isConnected(state) ? [{ type: 'drop', attemptId: state.attemptId }] : [];
  const calm = state.move !== null && at < state.move.calmUntil;
  return {
    state: {
      ...state,
      view: calm ? { status: 'moving', attempt, retryAt: null } : { status: 'connecting', attempt },
      attemptId,
      attempts: attempt,
      openBy: at + connectionTimes.open,
    },
    effects: [...drop, { type: 'open', attemptId }],
  };
}

const opened = (state: ConnectionState, serverId: string, { at }: ConnectionMoment): ConnectionState => ({
  ...state,
  view: { status: 'catching-up' },
  everConnected: true,
  openedAt: at,
  firstToServer: serverId !== state.serverId,
  serverId,
  liveness: newLiveness(at),
  move: null,
});

function lost(
  state: ConnectionState,
  error: ErrorBody,
  moment: ConnectionMoment,
  settings: ConnectionSettings,
): ConnectionStep {
  const effects: ConnectionEffect[] = [{ type: 'drop', attemptId: state.attemptId }];
  const gone: ConnectionState = { ...state, attemptId: state.attemptId + 1 };
  const remedy = remedyOf(error);
  const first = !state.everConnected;
  if (first && !state.reported) effects.push({ type: 'report', error });
  const reported = state.reported || first;
  if (remedy !== 'retry' || (first && settings.firstFailure === 'fail')) {
    return { state: { ...gone, reported, move: null, view: { status: 'failed', error, remedy } }, effects };
  }
  const { pause, settled } = connectionTimes;
  // A server that was restarted is expected back. One that greets and hangs up again and again must be let alone.
  const wasFine = isConnected(state) && (state.firstToServer || moment.at - state.openedAt >= settled);
  const attempt = wasFine ? 1 : Math.max(1, state.attempts);
  const cap = state.watched && !isConnected(state) && nobodyAnswered(error) ? pause.near : pause.far;
  const waitMs = Math.max(fullJitter(attempt, moment.random, { base: pause.base, cap }), error.retryAfterMs ?? 0);
  const retryAt = moment.at + waitMs;
  const calm = state.move !== null && moment.at < state.move.calmUntil;
  return {
    state: {
      ...gone,
      reported,
      view: calm ? { status: 'moving', attempt, retryAt } : { status: 'backoff', attempt, retryAt, error },
    },
    effects,
  };
}

/** A server that lives and will not says so in another way, or says when to come again. */
const nobodyAnswered = ({ kind, retryAfterMs }: ErrorBody): boolean =>
  (kind === 'unavailable' || kind === 'timeout') && retryAfterMs === undefined;

function remedyOf(error: ErrorBody): 'login' | 'reload' | 'retry' {
  if (error.kind === 'unauthenticated' || error.kind === 'forbidden') return 'login';
  if (error.kind === 'unsupported_version') return 'reload';
  return 'retry';
}

function pong(state: ConnectionState, nonce: string, { at }: ConnectionMoment): ConnectionStep {
  const { liveness, roundTripMs } = answered(state.liveness, nonce, at);
  return {
    state: { ...state, liveness },
    effects: roundTripMs === null ? [] : [{ type: 'latency', ms: roundTripMs }],
  };
}

/** Everybody who is told to go would come at once, so each picks its own moment. */
function move(state: ConnectionState, withinMs: number, moment: ConnectionMoment): ConnectionStep {
  const { at, random } = moment;
  const planned = state.move ?? {
    leaveAt: at + Math.floor(random * withinMs),
    calmUntil: at + withinMs + connectionTimes.calm,
  };
  const told = { ...state, move: planned };
  return at >= planned.leaveAt ? open(told, 1, moment) : stay(told);
}

/** The person is looking, or the network is another one: find out now whether the link is alive. */
function wake(state: ConnectionState, moment: ConnectionMoment): ConnectionStep {
  if (isConnected(state)) {
    const { liveness, nonce } = check(state.liveness, String(state.attemptId), moment.at);
    return { state: { ...state, liveness }, effects: [{ type: 'ping', attemptId: state.attemptId, nonce }] };
  }
  if (isDialling(state)) {
    // An attempt begun on a network that is gone hangs until its time is over: begin it again, but not more often
    // than an attempt needs.
    const begun = state.openBy - connectionTimes.open;
    return moment.at - begun < livenessTimes.check ? stay(state) : open(state, state.attempts, moment);
  }
  const due = dueAttempt(state);
  return due === null ? stay(state) : open(state, due.attempt + 1, moment);
}

function tick(state: ConnectionState, moment: ConnectionMoment, settings: ConnectionSettings): ConnectionStep {
  const { at } = moment;
  if (isConnected(state)) {
    if (at >= deadAt(state.liveness)) return open({ ...state, move: null }, 1, moment);
    if (state.move !== null && at >= state.move.leaveAt) return open(state, 1, moment);
    if (at < state.liveness.nextPing) return stay(state);
    const { liveness, nonce } = ask(state.liveness, String(state.attemptId), at);
    return { state: { ...state, liveness }, effects: [{ type: 'ping', attemptId: state.attemptId, nonce }] };
  }
  if (isDialling(state)) return at >= state.openBy ? lost(state, noAnswer, moment, settings) : stay(state);
  const due = dueAttempt(state);
  return due !== null && at >= due.retryAt ? open(state, due.attempt + 1, moment) : stay(state);
}
