/**
 * Where an approval stands, from what the log says and from this device's own answer on its way. An answer is
 * "applied" only when the agent went on with it.
 */
import type { OutboxEntry } from '@holdfast/core/client/outbox.ts';
import type { Actor, ApprovalAnswer, ApprovalStatus } from '@holdfast/protocol/approval.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';

export interface ApprovalFacts {
  readonly status: ApprovalStatus;
  readonly answer?: ApprovalAnswer | undefined;
  readonly answeredBy?: Actor | undefined;
}

export type ApprovalState =
  | { readonly step: 'asking' }
  /** kept: there is no connection, it goes out when there is one. */
  | { readonly step: 'sending'; readonly decision: 'allow' | 'deny'; readonly kept: boolean }
  | { readonly step: 'refused'; readonly error: ErrorBody; readonly commandId: string; readonly mayRetry: boolean }
  | { readonly step: 'answered'; readonly decision: 'allow' | 'deny'; readonly by: string }
  | { readonly step: 'applied'; readonly decision: 'allow' | 'deny'; readonly by: string }
  | { readonly step: 'expired' };

export function approvalState(facts: ApprovalFacts, mine: OutboxEntry | undefined, connected: boolean): ApprovalState {
  if (facts.status === 'expired') return { step: 'expired' };
  if (facts.status !== 'pending') {
    const decision = facts.answer?.decision ?? 'allow';
    return { step: facts.status, decision, by: byWords(facts.answeredBy) };
  }
  if (mine?.command.type !== 'approval.answer') return { step: 'asking' };
  const { decision } = mine.command.answer;
  switch (mine.state.status) {
    case 'failed':
    case 'unsure':
      return {
        step: 'refused',
        error: mine.state.error,
        commandId: mine.id,
        mayRetry: mine.state.error.kind !== 'already_answered' && mine.state.error.kind !== 'conflict',
      };
    case 'discarded':
      return { step: 'asking' };
    default:
      return { step: 'sending', decision, kept: !connected && mine.state.status !== 'stored' };
  }
}

/** "Ada on Pixel 9", "Ada", "somebody". */
function byWords(actor: Actor | undefined): string {
  if (!actor) return 'somebody';
  const name = actor.name ?? (actor.kind === 'user' ? 'somebody' : actor.kind);
  return actor.device ? `${name} on ${actor.device}` : name;
}
