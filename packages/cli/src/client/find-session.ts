import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import { choose, isWholeId } from './choose.ts';
import type { CommandLine } from './command-line.ts';

const pageSize = 200;

/** Every session there is, newest activity first. */
export async function allSessions(line: CommandLine): Promise<readonly SessionDescriptor[]> {
  const sessions: SessionDescriptor[] = [];
  for (let cursor: string | undefined; ;) {
    const page = line.need(
      await line.rest.listSessions({ limit: pageSize, ...(cursor === undefined ? {} : { cursor }) }),
    );
    sessions.push(...page.sessions);
    cursor = page.nextCursor;
    if (cursor === undefined) return sessions;
  }
}

/** Failure: none or several fit. */
export async function findSession(line: CommandLine, text: string): Promise<SessionDescriptor> {
  if (isWholeId(text)) return line.need(await line.rest.getSession(text));
  return line.need(choose(await allSessions(line), text, 'session'));
}
