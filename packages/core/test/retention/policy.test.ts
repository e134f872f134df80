import fc from 'fast-check';
import {
  type KeptSession,
  type RetentionPolicy,
  type Verdict,
  cutOf,
  policyAt,
  receiptsBefore,
  verdictOn,
} from '@holdfast/core/retention/policy.ts';
import { describe, expect, it } from 'vitest';

const day = (number: number): string => new Date(Date.UTC(2026, 0, number)).toISOString();
const policy: RetentionPolicy = { before: day(10), keepFacts: 5 };
const session: KeptSession = {
  kind: 'agent',
  status: 'active',
  turnOpen: false,
  pinned: false,
  archived: false,
  lastActivityAt: day(5),
  lastSeq: 20,
  oldestSeq: 1,
};

describe('what goes', () => {
  it.each<[string, Partial<KeptSession>, Verdict]>([
    ['an ended terminal', { kind: 'terminal', status: 'ended' }, 'delete'],
    ['a terminal that failed', { kind: 'terminal', status: 'failed' }, 'delete'],
    [
      'a terminal that ended lately',
      { kind: 'terminal', status: 'ended', lastActivityAt: day(10), lastSeq: 4 },
      'keep',
    ],
    ['a shell that lives', { kind: 'terminal', status: 'active' }, 'keep'],
    ['an archived shell that lives', { kind: 'terminal', status: 'active', archived: true }, 'keep'],
    ['a terminal that is starting', { kind: 'terminal', status: 'creating' }, 'keep'],
    ['an ended agent', { status: 'ended' }, 'delete'],
    ['an idle agent', {}, 'trim'],
    ['an idle agent with little to tell', { lastSeq: 5 }, 'keep'],
    ['an idle agent, archived', { archived: true }, 'delete'],
    ['an idle agent, archived, used lately', { archived: true, lastActivityAt: day(11) }, 'trim'],
    ['an interrupted agent', { status: 'interrupted' }, 'trim'],
    ['an agent at work', { turnOpen: true }, 'keep'],
    ['an agent at work, archived', { turnOpen: true, archived: true }, 'keep'],
    ['an agent that waits for an answer', { status: 'waiting', archived: true }, 'keep'],
    ['what is pinned and over', { status: 'ended', pinned: true }, 'keep'],
    ['what is pinned and long', { pinned: true }, 'keep'],
  ])('KEEP1, KEEP2: %s', (_what, change, verdict) => {
    expect(verdictOn({ ...session, ...change }, policy)).toBe(verdict);
  });

  it('KEEP1: 0 days keep for ever; receipts stay for a week at least', () => {
    expect(policyAt(day(40), 0)).toBeNull();
    expect(policyAt(day(40), 30)).toEqual({ before: day(10), keepFacts: 1_000 });
    expect(receiptsBefore(day(40), 30)).toBe(day(10));
    expect(receiptsBefore(day(40), 1)).toBe(day(33));
  });
});

describe('the cut', () => {
  const front = (times: readonly number[], from = 1) => times.map((at, index) => ({ seq: from + index, at: day(at) }));

  it.each<[string, Partial<KeptSession>, readonly number[], number]>([
    ['all that is old', {}, [1, 2, 3, 10, 11], 4],
    ['no more than leaves the newest', { lastSeq: 7 }, [1, 1, 1, 1, 1, 1, 1], 3],
    ['up to the first that is young, whatever follows', {}, [1, 2, 12, 3, 4], 3],
    ['nothing when the first is young', {}, [10, 1], 1],
    ['nothing of what is at work', { turnOpen: true }, [1, 2, 3], 1],
    ['nothing when nothing is there', {}, [], 1],
  ])('KEEP3: %s', (_what, change, times, oldest) => {
    expect(cutOf({ ...session, ...change }, front(times), policy)).toBe(oldest);
  });

  it('KEEP2, KEEP3: whatever the session, what runs is left alone and the newest stay', () => {
    const any = fc.record({
      kind: fc.constantFrom('agent' as const, 'terminal' as const),
      status: fc.constantFrom(...(['creating', 'active', 'waiting', 'interrupted', 'ended', 'failed'] as const)),
      turnOpen: fc.boolean(),
      pinned: fc.boolean(),
      archived: fc.boolean(),
      lastActivityAt: fc.integer({ min: 1, max: 20 }).map(day),
      lastSeq: fc.integer({ min: 0, max: 40 }),
      oldestSeq: fc.integer({ min: 1, max: 10 }),
    });
    const times = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 40 });
    fc.assert(
      fc.property(any, times, (one, ages) => {
        const facts = front(ages, one.oldestSeq).slice(0, Math.max(0, one.lastSeq - one.oldestSeq + 1));
        const oldest = cutOf(one, facts, policy);
        const busy = one.turnOpen || one.status === 'waiting' || one.status === 'creating' || one.pinned;
        const shell = one.kind === 'terminal' && one.status === 'active';
        if (busy || shell) {
          expect(verdictOn(one, policy)).toBe('keep');
          expect(oldest).toBe(one.oldestSeq);
        }
        expect(oldest).toBeGreaterThanOrEqual(one.oldestSeq);
        if (oldest > one.oldestSeq) expect(one.lastSeq - oldest + 1).toBeGreaterThanOrEqual(policy.keepFacts);
        for (const fact of facts) if (fact.seq < oldest) expect(fact.at < policy.before).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
