import fc from 'fast-check';
import { limits } from '@holdfast/protocol/limits.ts';
import { presenceSchema } from '@holdfast/protocol/presence.ts';
import { expect, it } from 'vitest';
import {
  type Attendance,
  type Client,
  attach,
  detach,
  isConnected,
  nextSettlement,
  presenceOf,
  reloadGraceMs,
  settle,
} from '../../src/presence/attendance.ts';

const at = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
const client = (clientId: string, userId = 'ada'): Client => ({ clientId, userId, name: userId, device: 'laptop' });
const names = (attendance: Attendance): string[] => attendance.map(({ clientId }) => clientId);

it('PRESENCE1: a client counts once over all its connections, from its first on', () => {
  const twice = attach(attach([], client('a'), at(0)), client('a'), at(5));
  expect(presenceOf(twice, null)).toEqual({
    people: [{ ...client('a'), since: at(0), drives: false }],
    more: 0,
  });
  const once = detach(twice, client('a'), 10);
  expect(nextSettlement(once)).toBeNull();
  expect(isConnected(once, client('a'))).toBe(true);
});

it('PRESENCE1: back within the grace it was never gone; after it, it is', () => {
  const gone = detach(attach([], client('a'), at(0)), client('a'), 100);
  expect(isConnected(gone, client('a'))).toBe(false);
  expect(names(settle(gone, 99 + reloadGraceMs))).toEqual(['a']);
  const back = attach(gone, client('a'), at(90));
  expect(back[0]?.since).toBe(at(0));
  expect(names(settle(back, 100 + 2 * reloadGraceMs))).toEqual(['a']);
  expect(nextSettlement(gone)).toBe(100 + reloadGraceMs);
  expect(settle(gone, 100 + reloadGraceMs)).toEqual([]);
});

it('PRESENCE4: the same id from another person is another client', () => {
  const both = attach(attach([], client('a'), at(0)), client('a', 'eve'), at(1));
  expect(both).toHaveLength(2);
  const left = settle(detach(both, client('a', 'eve'), 0), reloadGraceMs);
  expect(left.map(({ userId }) => userId)).toEqual(['ada']);
  const driver = { kind: 'user' as const, id: 'eve', clientId: 'a' };
  expect(presenceOf(both, driver).people.map(({ userId, drives }) => [userId, drives])).toEqual([
    ['eve', true],
    ['ada', false],
  ]);
});

it('PRESENCE3: fifty are named, the driver among them, the others counted', () => {
  let crowd: Attendance = [];
  for (let index = 0; index < 70; index += 1) crowd = attach(crowd, client(`c${index}`), at(index));
  const told = presenceOf(crowd, { kind: 'user', id: 'ada', clientId: 'c69' });
  expect(told.people).toHaveLength(limits.presenceNamed);
  expect(told.more).toBe(20);
  expect(told.people[0]).toMatchObject({ clientId: 'c69', drives: true });
  expect(told.people[1]).toMatchObject({ clientId: 'c0', drives: false });
  expect(presenceSchema.safeParse(told).success).toBe(true);
});

it('PRESENCE1: whatever comes and goes, who has a connection is there, and nobody stays for ever', () => {
  const step = fc.record({ who: fc.constantFrom('a', 'b', 'c'), come: fc.boolean(), wait: fc.nat(4_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let attendance: Attendance = [];
      let now = 0;
      const open: Record<string, number> = { a: 0, b: 0, c: 0 };
      for (const { who, come, wait } of steps) {
        now += wait;
        attendance = settle(attendance, now);
        if (!come && open[who] === 0) continue;
        open[who] = (open[who] ?? 0) + (come ? 1 : -1);
        attendance = come ? attach(attendance, client(who), at(now)) : detach(attendance, client(who), now);
      }
      const connected = Object.keys(open).filter((who) => (open[who] ?? 0) > 0);
      for (const who of connected) expect(isConnected(attendance, client(who))).toBe(true);
      expect(names(settle(attendance, now + reloadGraceMs)).sort()).toEqual(connected.sort());
    }),
  );
});
