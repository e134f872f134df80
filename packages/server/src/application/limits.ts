/** Counts what each person uses, for core's limits to judge. The one place on this side of the doors (LIMIT1). */
import { type Result, ok } from '@holdfast/protocol/error.ts';
import type { LimitList } from '@holdfast/protocol/limit-use.ts';
import { limits as wire } from '@holdfast/protocol/limits.ts';
import { BucketTable } from '@holdfast/core/limits/bucket-table.ts';
import { type Rate, type UserLimits, bucketOf, tooFast, withinQuota } from '@holdfast/core/limits/user-limits.ts';

/** A bucket and the name under which it is used. */
type Taken = readonly [rate: Rate, name: string];

export class Limits {
  readonly #limits: UserLimits;
  /** Monotonic, ms. */
  readonly #now: () => number;
  readonly #rates: Readonly<Record<Rate, BucketTable | null>>;
  readonly #connections = new Map<string, number>();

  constructor(limits: UserLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    const table = (rate: Rate, largest?: number): BucketTable | null => {
      const size = bucketOf(limits, rate, largest);
      return size && new BucketTable(size);
    };
    this.#rates = {
      startsPerMinute: table('startsPerMinute'),
      messagesPerMinute: table('messagesPerMinute'),
      sessionMessagesPerMinute: table('sessionMessagesPerMinute'),
      inputBytesPerSecond: table('inputBytesPerSecond', wire.terminalInput),
    };
  }

  /** Counts one start of a session. */
  start(userId: string): Result<null> {
    return this.#take(1, ['startsPerMinute', userId]);
  }

  /** May this owner have one more session? Asked inside the transaction. */
  session(use: { openSessions: number; runningAgents: number }, startsTurn: boolean): Result<null> {
    const open = withinQuota(this.#limits, 'openSessions', use.openSessions);
    return open.ok && startsTurn ? this.turn(use) : open;
  }

  /** May one more of this owner's agents begin to work? Asked inside the transaction. */
  turn(use: { runningAgents: number }): Result<null> {
    return withinQuota(this.#limits, 'runningAgents', use.runningAgents);
  }

  /** Counts one message to an agent. */
  message(userId: string, sessionId: string): Result<null> {
    return this.#take(1, ['sessionMessagesPerMinute', sessionId], ['messagesPerMinute', userId]);
  }

  /** Counts keystrokes; a block that is refused is to be sent again whole. */
  input(userId: string, bytes: number): Result<null> {
    return this.#take(bytes, ['inputBytesPerSecond', userId]);
  }

  /** One more connection; the function gives it back, once. */
  connection(userId: string): Result<() => void> {
    const current = this.#connections.get(userId) ?? 0;
    const allowed = withinQuota(this.#limits, 'connections', current);
    if (!allowed.ok) return allowed;
    this.#connections.set(userId, current + 1);
    let held = true;
    return ok(() => {
      if (!held) return;
      held = false;
      const left = (this.#connections.get(userId) ?? 1) - 1;
      if (left > 0) this.#connections.set(userId, left);
      else this.#connections.delete(userId);
    });
  }

  /** All of them, with what this person has used up. use: counted by the store. */
  list(userId: string, use: { openSessions: number; runningAgents: number }): LimitList {
    const limits = this.#limits;
    const now = this.#now();
    const used = (rate: Rate): number | null => {
      const taken = this.#rates[rate]?.used(userId, now);
      // The largest block of input may be more than a second's worth.
      return taken === undefined ? null : Math.min(Math.ceil(taken), limits[rate]);
    };
    return {
      limits: [
        { name: 'openSessions', limit: limits.openSessions, current: use.openSessions },
        { name: 'runningAgents', limit: limits.runningAgents, current: use.runningAgents },
        { name: 'connections', limit: limits.connections, current: this.#connections.get(userId) ?? 0 },
        { name: 'startsPerMinute', limit: limits.startsPerMinute, current: used('startsPerMinute') },
        { name: 'messagesPerMinute', limit: limits.messagesPerMinute, current: used('messagesPerMinute') },
        // Each session has its own.
        { name: 'sessionMessagesPerMinute', limit: limits.sessionMessagesPerMinute, current: null },
        { name: 'inputBytesPerSecond', limit: limits.inputBytesPerSecond, current: used('inputBytesPerSecond') },
      ],
    };
  }

  /** All or nothing: what one bucket refuses uses up no other. */
  #take(amount: number, ...wanted: readonly Taken[]): Result<null> {
    const now = this.#now();
    for (const [rate, name] of wanted) {
      const wait = this.#rates[rate]?.waitMs(name, now, amount) ?? 0;
      if (wait > 0) return tooFast(this.#limits, rate, wait);
    }
    for (const [rate, name] of wanted) this.#rates[rate]?.take(name, now, amount);
    return ok(null);
  }
}
