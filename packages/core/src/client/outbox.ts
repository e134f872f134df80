/**
 * Commands from the moment a person made them until they are known to be in the log: in order and one at a time per
 * session, always under the id they were made with. Pure: storage, sockets and clocks are the caller's (see Effect).
 *
 * What is true of a command in each state: saving: only in memory · saved: kept on this device · sending: on its way ·
 * stored: the server has receipted it · failed: it certainly had no effect · unsure: it may have had its effect.
 */
import type { Command, CommandType, Receipt } from '@holdfast/protocol/command.ts';
import type { ErrorBody, ErrorKind, Result } from '@holdfast/protocol/error.ts';
import { fullJitter } from './backoff.ts';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
/** A command before it has its id. */
export type CommandBody = WithoutId<Command>;

export type DeliveryState =
  | { readonly status: 'saving' }
  | { readonly status: 'saved' }
  | { readonly status: 'sending' }
  | { readonly status: 'stored'; readonly seq: number }
  | { readonly status: 'failed'; readonly error: ErrorBody }
  | { readonly status: 'unsure'; readonly error: ErrorBody }
  /** No longer in the outbox: taken back by the person, or replaced by a newer one before it was sent. */
  | { readonly status: 'discarded' };

/** What a storage keeps of a command. */
export interface KeptCommand {
  readonly id: string;
  readonly sessionId: string;
  readonly command: Command;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Orders the commands of one client. */
  readonly order: number;
  readonly state: Extract<DeliveryState, { status: 'saved' | 'failed' | 'unsure' }>;
}

export interface OutboxEntry {
  readonly id: string;
  readonly sessionId: string;
  readonly command: Command;
  readonly createdAt: string;
  readonly order: number;
  readonly state: DeliveryState;
  /** Attempts that count: made on a healthy link and not successful. */
  readonly attempts: number;
  /** Names one sending of it; an older one's refusal is not taken for a newer one's. */
  readonly sends: number;
  /** Some attempt may have reached the server. */
  readonly uncertain: boolean;
  /** Clock milliseconds: when sending is given up (sending) or may begin (saved). */
  readonly due: number;
  /**
   * Its outcome, until the device has kept that: so long it is still `sending`. A client that dies before sends it
   * again, which nobody may have been told could not be, and nothing made later may have gone before.
   */
  readonly refusal: Refusal | null;
  /** saved: the refusal for which it waits until `due`; null: for the connection, its turn or nothing. */
  readonly delayedBy: ErrorBody | null;
}

type Refusal = Extract<DeliveryState, { status: 'failed' | 'unsure' }>;

export interface OutboxState {
  readonly online: boolean;
  /** In the order in which they are sent. */
  readonly entries: readonly OutboxEntry[];
}

export type OutboxEvent =
  | {
      readonly type: 'add';
      readonly id: string;
      readonly sessionId: string;
      readonly command: Command;
      readonly createdAt: string;
    }
  /** The storage has it, or never will: it is as safe as it gets. */
  | { readonly type: 'kept'; readonly id: string }
  /** Left behind by clients that are gone. */
  | { readonly type: 'adopt'; readonly commands: readonly KeptCommand[] }
  | { readonly type: 'online' }
  | { readonly type: 'offline' }
  | { readonly type: 'answered'; readonly id: string; readonly send: number; readonly result: Result<Receipt> }
  /** The time of nextDue() has come. */
  | { readonly type: 'tick' }
  | { readonly type: 'retry'; readonly id: string }
  | { readonly type: 'discard'; readonly id: string }
  /** The session's facts up to seq have been handed out: what they hold need not be shown from here. */
  | { readonly type: 'seen'; readonly sessionId: string; readonly seq: number };

export type OutboxEffect =
  /** Keep it, then say `kept`. */
  | { readonly type: 'keep'; readonly command: KeptCommand }
  | { readonly type: 'forget'; readonly id: string }
  /** Send it, then say `answered` with the same `send`. */
  | { readonly type: 'send'; readonly sessionId: string; readonly command: Command; readonly send: number };

export interface Moment {
  /** Clock milliseconds. */
  readonly at: number;
  /** In [0, 1), fresh for each step. */
  readonly random: number;
}

export const outboxLimits = {
  /** Unreceipted commands of one client. */
  entries: 100,
  /** Receipted ones still shown, waiting for their fact. */
  stored: 100,
  /** Counted attempts until a command is given back to the person. */
  attempts: 8,
  answerMs: 10_000,
  pause: { base: 500, cap: 30_000 },
} as const;

export const emptyOutbox: OutboxState = { online: false, entries: [] };

/** What another attempt under the same id may cure. */
const worthRepeating: ReadonlySet<ErrorKind> = new Set([
  'rate_limited',
  'internal',
  'runner_offline',
  'unavailable',
  'timeout',
]);
/** Refusals that do not say whether the command was stored. */
const leavesUnsure: ReadonlySet<ErrorKind> = new Set(['internal', 'unavailable', 'timeout']);

const timedOut: ErrorBody = { kind: 'timeout', message: 'the server did not answer in time' };

/** A size, or the wish to decide it, that is no longer wanted must not come back with the next start. */
const ofTheMoment: ReadonlySet<CommandType> = new Set(['terminal.resize', 'driver.take', 'driver.give']);
const isDurable = (command: Command): boolean => !ofTheMoment.has(command.type);

/** An entry that only the person can decide about. */
export type GivenBack = OutboxEntry & { readonly state: Refusal };

export const isGivenBack = (entry: OutboxEntry): entry is GivenBack =>
  entry.state.status === 'failed' || entry.state.status === 'unsure';

/** Why something waits although the server answers. It goes on by itself at clock milliseconds `until`. */
export interface Delay {
  readonly error: ErrorBody;
  readonly until: number;
}

/** What it waits for itself, or the one of its session that goes first. entries: the outbox it is in. */
export function delayOf(entry: OutboxEntry, entries: readonly OutboxEntry[]): Delay | null {
  if (entry.state.status !== 'saved') return null;
  const { state, delayedBy, due } = headOf(entries, entry.sessionId) ?? entry;
  return state.status === 'saved' && delayedBy !== null ? { error: delayedBy, until: due } : null;
}

const awaitsAnswer = (entry: OutboxEntry): boolean => entry.state.status === 'sending' && entry.refusal === null;

const isWaiting = (entry: OutboxEntry): boolean => entry.state.status === 'saving' || entry.state.status === 'saved';

export const isFull = (state: OutboxState): boolean =>
  state.entries.filter((entry) => entry.state.status !== 'stored').length >= outboxLimits.entries;

/** When to say `tick`, in clock milliseconds; null: not before something else happens. */
export function nextDue(state: OutboxState): number | null {
  let due: number | null = null;
  for (const entry of state.entries) {
    const waits = awaitsAnswer(entry) || (entry.state.status === 'saved' && state.online);
    if (waits && entry === headOf(state.entries, entry.sessionId))
      due = due === null ? entry.due : Math.min(due, entry.due);
  }
  return due;
}

/** The one of a session that is sent or to be sent next. An older one may have come back behind one on its way. */
function headOf(entries: readonly OutboxEntry[], sessionId: string): OutboxEntry | undefined {
  const session = entries.filter((entry) => entry.sessionId === sessionId);
  return session.find(({ state }) => state.status === 'sending') ?? session.find(isWaiting);
}

export function stepOutbox(
  state: OutboxState,
  event: OutboxEvent,
  moment: Moment,
): { state: OutboxState; effects: readonly OutboxEffect[] } {
  const effects: OutboxEffect[] = [];
  const next = send(apply(state, event, moment, effects), moment, effects);
  const same =
    next.entries.length === state.entries.length &&
    next.entries.every((entry, index) => entry === state.entries[index]);
  return { state: same ? { ...next, entries: state.entries } : next, effects };
}

function apply(state: OutboxState, event: OutboxEvent, moment: Moment, effects: OutboxEffect[]): OutboxState {
  switch (event.type) {
    case 'add':
      return add(state, event, effects);
    case 'adopt':
      return adopt(state, event.commands);
    case 'kept':
      return change(state, event.id, (entry) => {
        if (entry.refusal !== null) return { ...entry, state: entry.refusal, refusal: null };
        return entry.state.status === 'saving' ? { ...entry, state: { status: 'saved' } } : entry;
      });
    case 'online':
      return state.online ? state : { ...state, online: true };
    case 'offline':
      // Attempts cut off by the link are not counted: how long one was offline says nothing about the command.
      return {
        online: false,
        entries: state.entries.map((entry) =>
          awaitsAnswer(entry)
            ? { ...entry, state: { status: 'saved' }, attempts: entry.attempts - 1, uncertain: true, due: 0 }
            : entry,
        ),
      };
    case 'answered':
      return change(state, event.id, (entry) => answered(entry, event.send, event.result, moment, effects));
    case 'tick':
      return {
        ...state,
        entries: state.entries.map((entry) =>
          awaitsAnswer(entry) && entry.due <= moment.at ? refused(entry, timedOut, moment, effects) : entry,
        ),
      };
    case 'retry':
      return change(state, event.id, (entry) => {
        if (entry.state.status !== 'failed' && entry.state.status !== 'unsure') return entry;
        const again = { ...entry, attempts: 0, due: 0 };
        if (!isDurable(entry.command)) return { ...again, state: { status: 'saved' } };
        effects.push(keep(again, { status: 'saved' }));
        return { ...again, state: { status: 'saving' } };
      });
    case 'discard': {
      const entry = state.entries.find((other) => other.id === event.id);
      if (entry === undefined || entry.state.status === 'sending' || entry.state.status === 'stored') return state;
      effects.push({ type: 'forget', id: entry.id });
      return { ...state, entries: state.entries.filter((other) => other !== entry) };
    }
    case 'seen':
      return {
        ...state,
        entries: state.entries.filter((entry) => entry.sessionId !== event.sessionId || !isInLog(entry, event.seq)),
      };
  }
}

function isInLog(entry: OutboxEntry, seq: number): boolean {
  return entry.state.status === 'stored' && seq >= entry.state.seq;
}

function add(state: OutboxState, event: Extract<OutboxEvent, { type: 'add' }>, effects: OutboxEffect[]): OutboxState {
  if (state.entries.some((other) => other.id === event.id)) return state;
  const last = state.entries.at(-1);
  const durable = isDurable(event.command);
  const entry: OutboxEntry = {
    id: event.id,
    sessionId: event.sessionId,
    command: event.command,
    createdAt: event.createdAt,
    order: Math.max(-1, ...state.entries.map((other) => other.order)) + 1,
    state: { status: durable ? 'saving' : 'saved' },
    attempts: 0,
    sends: 0,
    uncertain: false,
    due: 0,
    refusal: null,
    delayedBy: null,
  };
  if (durable) effects.push(keep(entry, { status: 'saved' }));
  const replaces =
    event.command.type === 'terminal.resize' &&
    last?.command.type === 'terminal.resize' &&
    last.sessionId === event.sessionId &&
    last.sends === 0;
  return { ...state, entries: [...(replaces ? state.entries.slice(0, -1) : state.entries), entry] };
}

function adopt(state: OutboxState, commands: readonly KeptCommand[]): OutboxState {
  const known = new Set(state.entries.map((entry) => entry.id));
  const adopted = commands
    .filter((command) => !known.has(command.id))
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : a.order - b.order))
    .map((command): OutboxEntry => ({
      ...command,
      attempts: 0,
      sends: 0,
      uncertain: true,
      due: 0,
      refusal: null,
      delayedBy: null,
    }));
  // They were made before anything made here.
  return { ...state, entries: [...adopted, ...state.entries] };
}

function answered(
  entry: OutboxEntry,
  send: number,
  result: Result<Receipt>,
  moment: Moment,
  effects: OutboxEffect[],
): OutboxEntry {
  if (entry.state.status === 'stored') return entry;
  if (result.ok) {
    // Whichever sending it answers: it is stored.
    if (isDurable(entry.command)) effects.push({ type: 'forget', id: entry.id });
    return { ...entry, state: { status: 'stored', seq: result.value.seq }, refusal: null };
  }
  if (!awaitsAnswer(entry) || entry.sends !== send) return entry;
  return refused(entry, result.error, moment, effects);
}

function refused(entry: OutboxEntry, error: ErrorBody, moment: Moment, effects: OutboxEffect[]): OutboxEntry {
  const uncertain = entry.uncertain || leavesUnsure.has(error.kind);
  if (!worthRepeating.has(error.kind)) return giveBack(entry, { status: 'failed', error }, effects);
  if (entry.attempts >= outboxLimits.attempts) {
    return giveBack({ ...entry, uncertain }, { status: uncertain ? 'unsure' : 'failed', error }, effects);
  }
  const pause = Math.max(fullJitter(entry.attempts, moment.random, outboxLimits.pause), error.retryAfterMs ?? 0);
  return { ...entry, state: { status: 'saved' }, uncertain, due: moment.at + pause, delayedBy: error };
}

function giveBack(entry: OutboxEntry, refusal: Refusal, effects: OutboxEffect[]): OutboxEntry {
  if (!isDurable(entry.command)) return { ...entry, state: refusal };
  effects.push(keep(entry, refusal));
  return { ...entry, refusal };
}

const keep = (entry: OutboxEntry, state: KeptCommand['state']): OutboxEffect => ({
  type: 'keep',
  command: {
    id: entry.id,
    sessionId: entry.sessionId,
    command: entry.command,
    createdAt: entry.createdAt,
    order: entry.order,
    state,
  },
});

/** Sends what may be sent now: at most the head of each session. */
function send(state: OutboxState, moment: Moment, effects: OutboxEffect[]): OutboxState {
  const surplus = state.entries.filter((entry) => entry.state.status === 'stored').length - outboxLimits.stored;
  let drop = Math.max(0, surplus);
  const entries: OutboxEntry[] = [];
  const onTheirWay = state.entries.filter((entry) => entry.state.status === 'sending');
  const busy = new Set(onTheirWay.map((entry) => entry.sessionId));
  for (const entry of state.entries) {
    if (entry.state.status === 'stored' && drop > 0) {
      drop -= 1;
      continue;
    }
    const blocked = busy.has(entry.sessionId);
    if (isWaiting(entry)) busy.add(entry.sessionId);
    if (state.online && !blocked && entry.state.status === 'saved' && entry.due <= moment.at) {
      const sending: OutboxEntry = {
        ...entry,
        state: { status: 'sending' },
        attempts: entry.attempts + 1,
        sends: entry.sends + 1,
        due: moment.at + outboxLimits.answerMs,
        delayedBy: null,
      };
      effects.push({ type: 'send', sessionId: entry.sessionId, command: entry.command, send: sending.sends });
      entries.push(sending);
    } else {
      entries.push(entry);
    }
  }
  return { ...state, entries };
}

function change(state: OutboxState, id: string, edit: (entry: OutboxEntry) => OutboxEntry): OutboxState {
  return { ...state, entries: state.entries.map((entry) => (entry.id === id ? edit(entry) : entry)) };
}
