/** Every kind of session there is. One more is one more entry here, and whatever the compiler then asks for. */
import type { SessionKind } from '@holdfast/protocol/session.ts';
import { agentKind } from './agent-kind.ts';
import type { Kind } from './kind.ts';
import { terminalKind } from './terminal-kind.ts';

export const kinds: Readonly<Record<SessionKind, Kind>> = {
  terminal: terminalKind,
  agent: agentKind,
};
