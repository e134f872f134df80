/** A shell, or any program, in a terminal. */
import { ok } from '@holdfast/protocol/error.ts';
import type { TerminalOptions } from '@holdfast/protocol/session.ts';
import type { Kind } from './kind.ts';
import { defaultTerminalSize } from './state.ts';

const withSize = (options: TerminalOptions = {}): TerminalOptions => ({ ...defaultTerminalSize, ...options });

export const terminalKind: Kind = {
  startsAtOnce: true,
  worksWhileAlive: true,
  hasScreen: true,

  options: ({ terminal }) => ok({ terminal: withSize(terminal) }),

  title: (_body, workspaceName) => `Terminal in ${workspaceName}`,

  initial: ({ terminal: { cols, rows } = {} }) => ({
    terminal: { cols: cols ?? defaultTerminalSize.cols, rows: rows ?? defaultTerminalSize.rows, exit: null },
    agent: null,
  }),

  begin(draft, body, _messageId, { sessionId, cwd }) {
    draft.instruct({ type: 'terminal.start', sessionId, generation: 1, cwd, terminal: withSize(body.terminal) });
  },

  decide(draft, command, { sessionId }) {
    switch (command.type) {
      case 'terminal.write':
      case 'terminal.resize': {
        const { id: _id, ...rest } = command;
        draft.instruct({ ...rest, sessionId });
        return ok(draft);
      }
      default:
        return null;
    }
  },

  end: () => undefined,

  stands: ({ generation }, item, startPending) => item !== null || (startPending && generation === 0),

  lose(draft) {
    draft.add({ type: 'session.ended', data: { reason: 'lost' } });
  },
};
