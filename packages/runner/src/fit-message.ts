import { fail } from '@holdfast/protocol/error.ts';
import type { ToServer } from '@holdfast/protocol/runner.ts';

/**
 * What to send instead of a message that is too large for a link: a report without its screen, an answer that says so.
 * null: there is nothing to leave out.
 */
export function fitMessage(message: ToServer): ToServer | null {
  if (message.type === 'report' && message.report.screen !== undefined) {
    const { screen: _screen, ...report } = message.report;
    return { type: 'report', report };
  }
  if (message.type === 'answer') {
    const { requestId } = message;
    return { type: 'answer', requestId, result: fail('payload_too_large', 'What was asked for is too large to send.') };
  }
  return null;
}
