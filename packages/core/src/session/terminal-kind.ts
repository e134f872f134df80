/** A shell, or any program, in a terminal. */
import { ok } from '@holdfast/protocol/error.ts';
import type { Kind } from './kind.ts';
import { defaultTerminalSize } from './state.ts';

export const terminalKind: Kind = {
  startsAtOnce: true,
  worksWhileAlive: true,
  hasScreen: true,

  options: ({ terminal }) => ok({ terminal: { ...defaultTerminalSize, ...terminal } }),

  title: (_body, workspaceName) => `Terminal in ${workspaceName}`,

  initial: ({ terminal: options = {} }) => ({
    terminal: {
      options,
      cols: options.cols ?? defaultTerminalSize.cols,
      rows: options.rows ?? defaultTerminalSize.rows,
      exit: null,
    },
    agent: null,
  }),

  begin(draft, _body, _messageId, { sessionId, cwd }) {
    const terminal = draft.state.terminal?.options ?? {};
    draft.instruct({ type: 'terminal.start', sessionId, generation: 1, cwd, terminal });
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

  lose(draft) {
    draft.add({ type: 'session.ended', data: { reason: 'lost' } });
  },
};
