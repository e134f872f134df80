/** How much one person may have and do at once. Pure; who counts and where is the caller's. */
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { BucketSize } from './token-bucket.ts';

/** 0 switches a limit off. */
export interface UserLimits {
  /** Sessions that have not ended; agents' only while they are not archived. */
  readonly openSessions: number;
  /** Agent sessions with a turn under way. */
  readonly runningAgents: number;
  /** Sockets. Event streams have their door's own limit. */
  readonly connections: number;
  readonly startsPerMinute: number;
  /** To agents, over all sessions. */
  readonly messagesPerMinute: number;
  /** To agents, in one session. */
  readonly sessionMessagesPerMinute: number;
  /** Keystrokes and pastes, over all terminals. */
  readonly inputBytesPerSecond: number;
}

export const noLimits: UserLimits = {
  openSessions: 0,
  runningAgents: 0,
  connections: 0,
  startsPerMinute: 0,
  messagesPerMinute: 0,
  sessionMessagesPerMinute: 0,
  inputBytesPerSecond: 0,
};

export type Quota = 'openSessions' | 'runningAgents' | 'connections';
export type Rate = Exclude<keyof UserLimits, Quota>;

const quotaMessages: Readonly<Record<Quota, (limit: number) => string>> = {
  openSessions: (limit) => `You have ${of(limit, 'open session')}, which is the limit. End one, or archive an agent's.`,
  runningAgents: (limit) =>
    `${limit === 1 ? '1 of your agents is' : `${limit} of your agents are`} at work, which is the limit. Try again when one is done.`,
  connections: (limit) => `You have ${of(limit, 'connection')} open, which is the limit. Close a page that uses one.`,
};

const of = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const rateMessages: Readonly<Record<Rate, (limit: number) => string>> = {
  startsPerMinute: (limit) => `You may start ${of(limit, 'session')} a minute.`,
  messagesPerMinute: (limit) => `You may send ${of(limit, 'message')} a minute.`,
  sessionMessagesPerMinute: (limit) => `One session takes ${of(limit, 'message')} a minute.`,
  inputBytesPerSecond: (limit) => `Terminals take ${of(limit, 'byte')} a second from you.`,
};

/** May there be one more, with `current` there? quota_exceeded with details {quota, limit, current}. */
export function withinQuota(limits: UserLimits, quota: Quota, current: number): Result<null> {
  const limit = limits[quota];
  if (limit === 0 || current < limit) return ok(null);
  return fail('quota_exceeded', quotaMessages[quota](limit), { details: { quota, limit, current } });
}

/** null: not limited. A minute's worth may come at once, and so may the largest block of input. */
export function bucketOf(limits: UserLimits, rate: Rate, largest = 1): BucketSize | null {
  const limit = limits[rate];
  if (limit === 0) return null;
  const windowMs = rate === 'inputBytesPerSecond' ? 1_000 : 60_000;
  return { capacity: Math.max(limit, largest), refillMs: windowMs / limit };
}

/** rate_limited with retryAfterMs and details {rate, limit, current}: within the window the limit is used up. */
export function tooFast(limits: UserLimits, rate: Rate, retryAfterMs: number): Result<never> {
  const limit = limits[rate];
  return fail('rate_limited', rateMessages[rate](limit), { retryAfterMs, details: { rate, limit, current: limit } });
}
