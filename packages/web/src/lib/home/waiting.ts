/** What waits for a person, over all sessions: questions of agents, and what was sent from here and given back. */
import { type GivenBack, type OutboxEntry, isGivenBack } from '@holdfast/core/client/outbox.ts';
import type { Approval } from '@holdfast/protocol/approval.ts';

export type Waiting = {
  readonly id: string;
  /** Since when, ISO 8601. */
  readonly since: string;
} & (
  | { readonly type: 'approval'; readonly approval: Approval }
  | { readonly type: 'given-back'; readonly entry: GivenBack }
);

/**
 * Oldest first. An answer that was given back stands at its approval, while that is among them. approvals: those that are
 * shown at all; outbox: of every session, also of one that is not there any more: its text is still the person's.
 */
export function waitingFor(approvals: readonly Approval[], outbox: readonly OutboxEntry[]): Waiting[] {
  const asked = new Set(approvals.map(({ id }) => id));
  return [
    ...approvals.map((approval): Waiting => {
      return { type: 'approval', id: approval.id, since: approval.requestedAt, approval };
    }),
    ...outbox.filter(isGivenBack).flatMap((entry): Waiting[] => {
      const { id, command, createdAt } = entry;
      if (command.type === 'approval.answer' && asked.has(command.approvalId)) return [];
      return [{ type: 'given-back', id, since: createdAt, entry }];
    }),
  ].toSorted((a, b) => (a.since < b.since ? -1 : a.since > b.since ? 1 : 0));
}
