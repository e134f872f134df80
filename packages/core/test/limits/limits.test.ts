import fc from 'fast-check';
import { BucketTable } from '@holdfast/core/limits/bucket-table.ts';
import { TokenBucket } from '@holdfast/core/limits/token-bucket.ts';
import {
  type Quota,
  type UserLimits,
  bucketOf,
  noLimits,
  tooFast,
  withinQuota,
} from '@holdfast/core/limits/user-limits.ts';
import { describe, expect, it } from 'vitest';

const limits: UserLimits = {
  openSessions: 3,
  runningAgents: 2,
  connections: 1,
  startsPerMinute: 60,
  messagesPerMinute: 120,
  sessionMessagesPerMinute: 30,
  inputBytesPerSecond: 1_000,
};

describe('quotas', () => {
  it.each<[Quota, number, boolean]>([
    ['openSessions', 0, true],
    ['openSessions', 2, true],
    ['openSessions', 3, false],
    ['openSessions', 9, false],
    ['runningAgents', 1, true],
    ['runningAgents', 2, false],
    ['connections', 0, true],
    ['connections', 1, false],
  ])('LIMIT1: %s with %i there: allowed %s, and the refusal says what is used', (quota, current, allowed) => {
    const result = withinQuota(limits, quota, current);
    expect(result.ok).toBe(allowed);
    if (result.ok) return;
    expect(result.error).toMatchObject({
      kind: 'quota_exceeded',
      details: { quota, limit: limits[quota], current },
    });
    expect(result.error.message).toContain(String(limits[quota]));
  });

  it('LIMIT1: 0 switches a limit off', () => {
    expect(withinQuota(noLimits, 'openSessions', 1_000_000).ok).toBe(true);
    expect(bucketOf(noLimits, 'startsPerMinute')).toBeNull();
  });
});

describe('rates', () => {
  it('LIMIT3: a window’s worth may come at once, the largest block always, and a refusal says when', () => {
    expect(bucketOf(limits, 'startsPerMinute')).toEqual({ capacity: 60, refillMs: 1_000 });
    expect(bucketOf(limits, 'sessionMessagesPerMinute')).toEqual({ capacity: 30, refillMs: 2_000 });
    expect(bucketOf(limits, 'inputBytesPerSecond', 65_536)).toEqual({ capacity: 65_536, refillMs: 1 });
    expect(tooFast(limits, 'startsPerMinute', 700)).toMatchObject({
      ok: false,
      error: {
        kind: 'rate_limited',
        retryAfterMs: 700,
        details: { rate: 'startsPerMinute', limit: 60, current: 60 },
      },
    });
  });

  it('LIMIT3: never more than the capacity and the refill pass, and who waits as told passes', () => {
    const steps = fc.array(fc.tuple(fc.nat(500), fc.integer({ min: 1, max: 12 }), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 90 }), steps, (capacity, refill, all) => {
        const refillMs = refill / 3;
        const bucket = new TokenBucket({ capacity, refillMs }, 0);
        let now = 0;
        let taken = 0;
        for (const [pause, amount, waits] of all) {
          now += pause;
          let wait = bucket.take(now, amount);
          if (wait > 0 && waits) {
            now += wait;
            wait = bucket.take(now, amount);
            expect(wait).toBe(0);
          }
          // What is more than the capacity counts as all of it.
          if (wait === 0) taken += Math.min(amount, capacity);
          expect(taken).toBeLessThanOrEqual(capacity + now / refillMs + 0.01);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('LIMIT3: a clock that was set back gives nothing and takes nothing', () => {
    const bucket = new TokenBucket({ capacity: 1, refillMs: 100 }, 1_000);
    expect(bucket.take(1_000)).toBe(0);
    expect(bucket.take(0)).toBe(100);
    expect(bucket.take(100)).toBe(0);
  });

  it('LIMIT3: names do not share, and what is remembered is bounded', () => {
    const table = new BucketTable({ capacity: 1, refillMs: 1_000 });
    expect([table.take('a', 0), table.take('b', 0), table.take('a', 0)]).toEqual([0, 0, 1_000]);
    for (let index = 0; index < 10_000; index += 1) table.take(`name ${index}`, 0);
    expect([table.waitMs('a', 0), table.waitMs('name 0', 0)]).toEqual([0, 1_000]);
  });
});
