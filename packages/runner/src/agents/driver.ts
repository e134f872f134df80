/**
 * One interface for every agent. A driver turns one provider's protocol into our facts and back; its quirks stay in its
 * folder. The agent's process belongs to the holder: a driver may be dropped at any moment and another attached to the
 * same process, which then reads on from the last position the server has stored.
 */
import type { AgentMode, AgentOptions } from '@holdfast/protocol/session.ts';
import type { ApprovalAnswer } from '@holdfast/protocol/approval.ts';
import type { AgentInfo } from '@holdfast/protocol/rest.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { HeldProcess, Holder } from '@holdfast/holder/process.ts';
import type { Logger } from 'pino';
import type { AttachedFile } from '../uploads/uploads.ts';

/** A message's, and the delivery that brought it; or one that the agent began by itself: where in its stream it told so. */
export type NotedTurn =
  | { readonly turnId: string; readonly messageId: string; readonly deliveryId: number }
  | { readonly turnId: string; readonly position: number };

/** Kept in the holder's meta of the agent's process: all a new driver needs. */
export interface AgentMeta {
  readonly sessionId: string;
  readonly generation: number;
  readonly cwd: string;
  readonly agent: AgentOptions & { readonly mode: AgentMode };
  /** The agent's own id for the conversation, once known. */
  readonly conversationId: string | null;
  /** The turn under way. */
  readonly turn: NotedTurn | null;
  /** The newest turn that is over: what goes on in the background is of it. */
  readonly lastTurnId?: string | undefined;
  /** Tools the person has allowed for the whole session. */
  readonly allowedTools: readonly string[];
  /** The driver's own notes, in a shape only it knows. */
  readonly driver?: Readonly<Record<string, unknown>>;
}

/** How its process ended, and what it left running that the holder has ended. */
export type AgentExit = Pick<NonNullable<HeldProcess['exit']>, 'exitCode' | 'signal' | 'leftovers'>;

/** What a driver tells. Facts are stored in call order; `position` is the end offset in the process's `out` stream of what they were read from. */
export interface DriverEvents {
  /** Never twice with the same position and other facts: several facts from one position go in one call. */
  facts(position: number, facts: readonly FactDraft[]): void;
  preview(preview: Preview): void;
  /** Persisted in the holder before it resolves. */
  updateMeta(change: Partial<AgentMeta>): Promise<void>;
  /** Nothing more comes: the process has ended and all it said has been told. `position` is beyond all earlier ones. */
  ended(position: number, exit: AgentExit): void;
}

export interface TurnRequest {
  readonly turnId: string;
  readonly messageId: string;
  /** Empty only with files. */
  readonly text: string;
  /** Go with the message. */
  readonly files: readonly AttachedFile[];
}

/** A live agent process with a driver attached. All calls are idempotent by the ids they carry. */
export interface AttachedAgent {
  /**
   * Hands the message to the agent, once per messageId for the life of the process. Resolves when the holder has it.
   * conflict: the agent has begun a turn by itself, which was told; to be handed over again when that is over.
   */
  startTurn(turn: TurnRequest): Promise<Result<null>>;
  stopTurn(turnId: string): Promise<Result<null>>;
  /** Told for an approval the agent has asked for, or will ask for again after a re-attach. */
  answer(approvalId: string, toolCallId: string, answer: ApprovalAnswer): Promise<Result<null>>;
  setMode(mode: AgentMode): Promise<Result<null>>;
  setModel(model: string): Promise<Result<null>>;
  /** Text of blocks not yet finished, whole, with offset 0. */
  previews(): readonly Preview[];
  /** Without a turn it still has something to do: it runs in the background, or waits for a person's answer. Default: never. */
  isBusy?(): boolean;
  /** Ends the process (politely, then by force). `ended` follows. */
  stop(): Promise<void>;
  /** Leaves the process alone; no event after this. */
  detach(): void;
}

export interface DriverContext {
  readonly meta: AgentMeta;
  /** Where files that go with messages lie: the agent may read there. It may not exist yet. */
  readonly filesDirectory: string;
  readonly holder: Holder;
  readonly events: DriverEvents;
  readonly log: Logger;
}

export interface AgentDriver {
  readonly provider: string;
  /** Looks again each time: installed, logged in, and if not what to do. */
  info(): Promise<AgentInfo>;
  /**
   * A new process with this id in the holder; with meta.conversationId it goes on with that conversation.
   * agent_unavailable when it cannot run here, with what to do in the message.
   */
  start(processId: string, context: DriverContext): Promise<Result<AttachedAgent>>;
  /** A new driver on a process that is already there, alive or ended. from: the last position the server has stored. */
  attach(process: HeldProcess, from: number, context: DriverContext): AttachedAgent;
}
