/** What a session is after its facts so far: the fold of its log, small enough to be kept with its row. */
import type { Approval } from '@holdfast/protocol/approval.ts';
import type { QueuedMessage } from '@holdfast/protocol/fact.ts';
import type { AgentMode, Exit, OpenTurn, SessionKind, TerminalOptions } from '@holdfast/protocol/session.ts';

export interface SessionState {
  readonly kind: SessionKind;
  readonly title: string;
  /** The newest process number; 0: none was started. */
  readonly generation: number;
  readonly end: 'none' | 'ended' | 'failed';
  readonly terminal: TerminalState | null;
  readonly agent: AgentState | null;
}

export interface TerminalState {
  readonly options: TerminalOptions;
  readonly cols: number;
  readonly rows: number;
  readonly exit: Exit | null;
}

export interface AgentState {
  readonly provider: string;
  readonly model: string | null;
  readonly mode: AgentMode;
  readonly conversationId: string | null;
  readonly turn: OpenTurn | null;
  /** The turn that was cut off and that nobody has resumed, discarded or written past. */
  readonly interruptedTurnId: string | null;
  readonly queue: readonly QueuedMessage[];
  /** Pending or answered, by id; gone once applied or expired. */
  readonly approvals: Readonly<Record<string, Approval>>;
  /** Started and not finished, by call id: the tool's name and its turn. */
  readonly tools: Readonly<Record<string, { readonly tool: string; readonly turnId: string }>>;
}

export const defaultTerminalSize = { cols: 80, rows: 24 } as const;
