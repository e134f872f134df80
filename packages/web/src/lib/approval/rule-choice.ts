/** What a person chooses when they make a rule: for how long, in words and as a moment. */
import type { ApprovalRule } from '@holdfast/protocol/approval.ts';

export const lifetimes = [
  { name: '1 hour', key: 'hour' },
  { name: 'today', key: 'today' },
  { name: '30 days', key: 'month' },
  { name: 'always', key: 'always' },
] as const;
export type Lifetime = (typeof lifetimes)[number]['key'];

/** null: until it is taken back. "today" ends with the person's own day. */
export function expiryOf(lifetime: Lifetime, now: Date): string | null {
  const until = new Date(now);
  switch (lifetime) {
    case 'hour':
      until.setHours(until.getHours() + 1);
      return until.toISOString();
    case 'today':
      until.setHours(24, 0, 0, 0);
      return until.toISOString();
    case 'month':
      until.setDate(until.getDate() + 30);
      return until.toISOString();
    case 'always':
      return null;
  }
}

/** "In all sessions, until 3 Jan 2026, 14:00". workspace: the name of the rule's. */
export function holdsWords(rule: Pick<ApprovalRule, 'where' | 'expiresAt'>, workspace: string): string {
  const where = rule.where === 'everywhere' ? 'In all sessions' : `In ${workspace}`;
  if (rule.expiresAt === null) return `${where}, until you take it back`;
  const at = new Date(rule.expiresAt);
  return `${where}, until ${at.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}`;
}
