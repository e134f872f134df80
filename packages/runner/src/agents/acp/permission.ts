/** Who decides about a tool call that an agent asks leave for, and what the agent is told. */
import { createHash } from 'node:crypto';
import type { ApprovalAnswer } from '@holdfast/protocol/approval.ts';
import type { AgentMode } from '@holdfast/protocol/session.ts';
import type { RequestPermissionResponse } from '@agentclientprotocol/sdk';

/** ask: a person decides. */
export type Verdict = 'ask' | 'allow' | 'deny';

export interface PermissionOption {
  readonly optionId: string;
  /** allow_once · allow_always · reject_once · reject_always, or one we do not know. */
  readonly kind: string;
}

const readingKinds: ReadonlySet<string> = new Set(['read', 'search', 'think']);

/** Ask mode reads only; Agent mode asks for what was not allowed for the session; Auto mode runs alone. */
export function verdictOf(mode: AgentMode, kind: string, grant: string, granted: readonly string[]): Verdict {
  if (mode === 'ask' && !readingKinds.has(kind)) return 'deny';
  if (mode === 'auto' || granted.includes(grant)) return 'allow';
  return 'ask';
}

export interface AgentQuirks {
  /** The agent's own mode ids, set along with ours. */
  readonly modes?: Partial<Readonly<Record<AgentMode, string>>>;
  /** The agent reads `_meta.holdfast = {message?, updatedInput?}` of a permission's answer. ACP has no field for them. */
  readonly readsAnswerDetails?: boolean;
}

export interface PermissionReply {
  readonly decision: 'allow' | 'deny';
  readonly response: RequestPermissionResponse;
  /** What the person should know about how the answer was carried out. */
  readonly notice: string | null;
}

/** The agent's options hold no way to say some answers; what can be said instead is never more than what was answered. */
export function permissionReply(
  answer: ApprovalAnswer,
  options: readonly PermissionOption[],
  quirks: AgentQuirks,
): PermissionReply {
  if (answer.decision === 'deny') return rejected(options, quirks, answer.message, null);
  if (answer.updatedInput !== undefined && quirks.readsAnswerDetails !== true) {
    return rejected(options, quirks, undefined, 'This agent cannot take a changed input, so the call was denied.');
  }
  // For longer than once is for us to hold on to: what the agent remembers cannot be taken back with the mode.
  const chosen = byKind(options, 'allow_once') ?? byKind(options, 'allow_always');
  if (chosen === undefined) {
    return rejected(options, quirks, undefined, 'This agent offered no way to allow the call, so it was denied.');
  }
  const details =
    answer.updatedInput === undefined ? {} : { _meta: { holdfast: { updatedInput: answer.updatedInput } } };
  return {
    decision: 'allow',
    response: { outcome: { outcome: 'selected', optionId: chosen.optionId }, ...details },
    notice: null,
  };
}

function rejected(
  options: readonly PermissionOption[],
  quirks: AgentQuirks,
  message: string | undefined,
  notice: string | null,
): PermissionReply {
  const chosen = byKind(options, 'reject_once') ?? byKind(options, 'reject_always');
  const told = message !== undefined && message !== '' && quirks.readsAnswerDetails === true;
  return {
    decision: 'deny',
    response:
      chosen === undefined
        ? { outcome: { outcome: 'cancelled' } }
        : {
            outcome: { outcome: 'selected', optionId: chosen.optionId },
            ...(told ? { _meta: { holdfast: { message } } } : {}),
          },
    notice:
      notice ??
      (message !== undefined && message !== '' && !told ? 'This agent cannot be told why it was denied.' : null),
  };
}

const byKind = (options: readonly PermissionOption[], kind: string): PermissionOption | undefined =>
  options.find((option) => option.kind === kind);

/**
 * The same call of a turn gives the same id; agents may count their calls from one in each turn. ordinal: 1 for its first
 * request; an agent that asks twice about one call has two different questions.
 */
export function approvalIdOf(turnId: string, toolCallId: string, ordinal: number): string {
  const clean = toolCallId.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 36);
  return `a_${clean}_${digest(`${turnId} ${toolCallId}`)}${ordinal === 1 ? '' : `_${ordinal}`}`;
}

/** At most 200 characters, as the wire wants it; still one per call. */
export function toolCallIdOf(id: string): string {
  return id.length <= 200 ? id : `${id.slice(0, 180)}_${digest(id)}`;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);
