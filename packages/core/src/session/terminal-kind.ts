/** A shell, or any program, in a terminal. */
import { ok } from '@holdfast/protocol/error.ts';
import type { TerminalOptions } from '@holdfast/protocol/session.ts';
import { giveDriver, sizeRefusal, takeDriver } from './driver.ts';
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

  decide(draft, command, context) {
    const { sessionId } = context;
    switch (command.type) {
      case 'terminal.write':
        draft.instruct({ type: command.type, sessionId, data: command.data });
        return ok(draft);
      case 'terminal.resize': {
        const { type, cols, rows, clientId } = command;
        const refusal = sizeRefusal(draft, clientId, context);
        if (refusal !== null) return refusal;
        draft.instruct({ type, sessionId, cols, rows });
        return ok(draft);
      }
      case 'terminal.record':
        draft.instruct(
          command.action === 'stop'
            ? { type: 'recording.stop', sessionId }
            : {
                type: 'recording.start',
                sessionId,
                recordingId: command.id,
                ownerId: context.actor.id ?? context.ownerId,
                title: draft.state.title,
              },
        );
        return ok(draft);
      case 'driver.take':
        return takeDriver(draft, command, context);
      case 'driver.give':
        return giveDriver(draft, command, context);
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
