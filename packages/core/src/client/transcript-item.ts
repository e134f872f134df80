/** What a transcript is made of: one kind of item per thing a page draws in the conversation. */
import type {
  Actor,
  ApprovalAnswer,
  ApprovalKind,
  ApprovalRequest,
  ApprovalScope,
  ApprovalStatus,
  Question,
} from '@holdfast/protocol/approval.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { CutText, FactData } from '@holdfast/protocol/fact.ts';
import type { TurnCause } from '@holdfast/protocol/session.ts';
import type { Attachment } from '@holdfast/protocol/upload.ts';

interface ItemBase {
  /** Stable and unique in the session. */
  readonly key: string;
  /** Of the fact that made it. */
  readonly seq: number;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * stored: on its way to the agent, which has not taken it up yet. The outbox's own states come before these; a message
 * that waits behind others is in Transcript.queue and becomes an item when its turn comes.
 */
export type MessageProgress = 'stored' | 'running' | 'done' | 'stopped' | 'failed' | 'interrupted';

export interface UserMessageItem extends ItemBase {
  readonly type: 'user';
  readonly messageId: string;
  readonly turnId: string | null;
  readonly text: string;
  readonly attachments: readonly Attachment[];
  readonly actor: Actor | null;
  readonly progress: MessageProgress;
  readonly error: ErrorBody | null;
}

export interface AssistantBlockItem extends ItemBase {
  readonly type: 'assistant';
  readonly blockId: string;
  readonly turnId: string;
  readonly kind: 'text' | 'thinking';
  readonly text: string;
  /** The turn died in the middle of it. */
  readonly partial: boolean;
}

export interface ToolCallItem extends ItemBase {
  readonly type: 'tool';
  readonly toolCallId: string;
  readonly turnId: string;
  readonly tool: string;
  readonly title: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly state: 'running' | FactData<'tool.finished'>['outcome'];
  readonly output: CutText | null;
  readonly diff: { readonly path: string; readonly patch: string } | null;
  readonly finishedAt: string | null;
  /** What a sub-agent did inside this call, oldest first. */
  readonly children: readonly TranscriptItem[];
}

export interface ApprovalItem extends ItemBase {
  readonly type: 'approval';
  readonly approvalId: string;
  readonly turnId: string;
  readonly toolCallId: string;
  readonly kind: ApprovalKind;
  readonly tool: string;
  readonly title: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly questions: readonly Question[];
  readonly scopes: readonly ApprovalScope[];
  readonly diff?: ApprovalRequest['diff'];
  readonly editable?: boolean | undefined;
  readonly suggestions?: ApprovalRequest['suggestions'];
  readonly hints?: ApprovalRequest['hints'];
  readonly status: ApprovalStatus;
  readonly answer: ApprovalAnswer | null;
  readonly answeredBy: Actor | null;
  readonly answeredAt: string | null;
  readonly expiredReason: FactData<'approval.expired'>['reason'] | null;
}

export interface NoticeItem extends ItemBase {
  readonly type: 'notice';
  readonly turnId: string;
  readonly level: 'info' | 'warning';
  readonly text: string;
}

/** The agent began a turn by itself. */
export interface OwnTurnItem extends ItemBase {
  readonly type: 'own-turn';
  readonly turnId: string;
  readonly cause: TurnCause;
}

export interface TurnEndItem extends ItemBase {
  readonly type: 'turn-end';
  readonly turnId: string;
  readonly outcome: 'completed' | 'stopped' | 'failed' | 'interrupted';
  readonly error: ErrorBody | null;
  /** With interrupted. */
  readonly reason: FactData<'turn.interrupted'>['reason'] | null;
  readonly tool: string | null;
  /** Null when its start is not part of what was folded. */
  readonly startedAt: string | null;
}

export interface SettingItem extends ItemBase {
  readonly type: 'setting';
  readonly setting: 'mode' | 'model';
  readonly value: string;
  readonly actor: Actor | null;
}

export interface SessionEndItem extends ItemBase {
  readonly type: 'session-end';
  readonly reason: FactData<'session.ended'>['reason'] | 'failed';
  readonly error: ErrorBody | null;
}

export type TranscriptItem =
  | UserMessageItem
  | AssistantBlockItem
  | ToolCallItem
  | ApprovalItem
  | NoticeItem
  | OwnTurnItem
  | TurnEndItem
  | SettingItem
  | SessionEndItem;

export const itemKey = {
  message: (messageId: string): string => `message:${messageId}`,
  block: (blockId: string): string => `block:${blockId}`,
  tool: (toolCallId: string): string => `tool:${toolCallId}`,
  approval: (approvalId: string): string => `approval:${approvalId}`,
} as const;
