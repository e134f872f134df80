/** What retention would do and has done, in words. Never more than what was told. */
import type { RetentionPreview, RetentionRun } from '@holdfast/protocol/retention.ts';
import { count } from '@holdfast/core/words/state-words.ts';

type Going = RetentionPreview['sessions'][number];

/** now: milliseconds since 1970. */
export function reasonWords({ reason, facts, lastActivityAt }: Going, now: number): string {
  if (reason === 'long') return `Loses its oldest ${count(facts, 'fact')}; the newest 1,000 stay`;
  const days = Math.max(0, Math.floor((now - Date.parse(lastActivityAt)) / 86_400_000));
  const since = `not touched for ${count(days, 'day')}`;
  return { ended: `Ended, ${since}`, failed: `Could not start, ${since}`, archived: `Archived, ${since}` }[reason];
}

/** "3 sessions and the old part of 1 conversation"; null: nothing. */
export function amountWords({
  deletedSessions,
  trimmedSessions,
}: Pick<RetentionPreview, 'deletedSessions' | 'trimmedSessions'>): string | null {
  const whole = deletedSessions > 0 ? [count(deletedSessions, 'session')] : [];
  const parts = trimmedSessions > 0 ? [`the old part of ${count(trimmedSessions, 'conversation')}`] : [];
  return whole.length + parts.length === 0 ? null : [...whole, ...parts].join(' and ');
}

export function runWords(run: RetentionRun): string {
  const amount = amountWords(run);
  return amount === null ? 'Nothing was left to remove.' : `Removed ${amount}: ${count(run.facts, 'fact')}.`;
}
