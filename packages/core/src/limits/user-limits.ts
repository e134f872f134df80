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
  openSessions: (limit) => `You have ${limit} open sessions, which is the limit. End one, or archive an agent's.`,
  runningAgents: (limit) => `${limit} of your agents are at work, which is the limit. Try again when one is done.`,
  connections: (limit) => `You have ${limit} connections open, which is the limit. Close a page that uses one.`,
};

const rateMessages: Readonly<Record<Rate, (limit: number) => string>> = {
  startsPerMinute: (limit) => `You may start ${limit} sessions a minute. Wait a moment.`,
  messagesPerMinute: (limit) => `You may send ${limit} messages a minute. Wait a moment.`,
  sessionMessagesPerMinute: (limit) => `One session takes ${limit} messages a minute. Wait a moment.`,
  inputBytesPerSecond: (limit) => `Terminals take ${limit} bytes a second from you. Wait a moment.`,
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
