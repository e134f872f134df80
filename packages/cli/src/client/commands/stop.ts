import { Failure } from '../../failure.ts';
import type { CommandLine } from '../command-line.ts';
import { findSession } from '../find-session.ts';
import type { Outcome } from '../outcome.ts';

/** Of an agent the turn that runs now, named, so that a stop that comes late meets no other. */
export async function stopSession(
  line: CommandLine,
  { session: text, end }: { readonly session: string; readonly end: boolean },
): Promise<Outcome> {
  const session = await findSession(line, text);
  if (session.status === 'ended' || session.status === 'failed') throw new Failure('conflict', 'It has ended already.');
  if (end || session.kind === 'terminal') {
    const outcome = await line.deliver(session.id, { type: 'session.stop' });
    return outcome.exit === 'done' ? { exit: 'done', words: 'It is being ended.' } : outcome;
  }
  const turn = session.agent?.turn ?? null;
  if (turn === null) throw new Failure('conflict', 'No turn is running. --end ends the session.');
  const outcome = await line.deliver(session.id, { type: 'turn.stop', turnId: turn.turnId });
  return outcome.exit === 'done' ? { exit: 'done', words: 'The turn is being stopped.' } : outcome;
}
