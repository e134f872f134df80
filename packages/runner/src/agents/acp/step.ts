/** What one line of the agent comes to. */
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { AgentMode } from '@holdfast/protocol/session.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { AgentQuirks } from './permission.ts';
import type { AcpState } from './state.ts';
import type { Outgoing } from './wire.ts';

export interface TranslateContext {
  readonly generation: number;
  readonly mode: AgentMode;
  readonly allowedTools: readonly string[];
  readonly quirks: AgentQuirks;
}

export interface Tell {
  readonly position: number;
  readonly facts: readonly FactDraft[];
}

/** To write to the agent, once per token. */
export interface Reply {
  readonly token: string;
  readonly message: Outgoing;
}

export interface Step {
  readonly state: AcpState;
  readonly tells: readonly Tell[];
  readonly replies: readonly Reply[];
  readonly preview: Preview | null;
}

/** The position of one line: its first byte, and one past its newline. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/** Nothing to tell. */
export const quiet = (state: AcpState): Step => ({ state, tells: [], replies: [], preview: null });
