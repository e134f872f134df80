import { expect, it } from 'vitest';
import { amountWords, reasonWords, runWords } from '#lib/storage/retention-words.ts';
import { waitWords } from '#lib/session/duration.ts';

const now = Date.UTC(2026, 1, 1);
const going = {
  id: 's',
  title: 'x',
  kind: 'agent',
  action: 'delete',
  reason: 'ended',
  facts: 1_186,
  bytes: 9,
  lastActivityAt: new Date(now - 41.5 * 86_400_000).toISOString(),
} as const;

it('KEEP6: each reason has its words', () => {
  expect(reasonWords(going, now)).toBe('Ended, not touched for 41 days');
  expect(reasonWords({ ...going, reason: 'failed' }, now)).toBe('Could not start, not touched for 41 days');
  expect(reasonWords({ ...going, reason: 'archived' }, now)).toBe('Archived, not touched for 41 days');
  expect(reasonWords({ ...going, action: 'trim', reason: 'long' }, now)).toBe(
    'Loses its oldest 1,186 facts; the newest 1,000 stay',
  );
});

it('KEEP6: what went is said, and nothing when nothing did', () => {
  expect(amountWords({ deletedSessions: 3, trimmedSessions: 1 })).toBe('3 sessions and the old part of 1 conversation');
  expect(amountWords({ deletedSessions: 0, trimmedSessions: 2 })).toBe('the old part of 2 conversations');
  expect(amountWords({ deletedSessions: 0, trimmedSessions: 0 })).toBeNull();
  expect(runWords({ deletedSessions: 1, trimmedSessions: 0, facts: 7 })).toBe('Removed 1 session: 7 facts.');
  expect(runWords({ deletedSessions: 0, trimmedSessions: 0, facts: 0 })).toBe('Nothing was left to remove.');
});

it('LIMIT6: a wait is never told too short', () => {
  expect([1, 1_000, 1_001, 65_000, 0, -5].map(waitWords)).toEqual([
    'in 1 s',
    'in 1 s',
    'in 2 s',
    'in 1 m 05 s',
    'now',
    'now',
  ]);
});
