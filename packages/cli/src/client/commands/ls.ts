import { stateWords } from '@holdfast/core/words/state-words.ts';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import { shortIds } from '../choose.ts';
import type { CommandLine } from '../command-line.ts';
import { allSessions } from '../find-session.ts';
import { plainLine, table } from '../output.ts';

export async function ls(
  line: CommandLine,
  { all, json }: { readonly all: boolean; readonly json: boolean },
): Promise<void> {
  const everything = await allSessions(line);
  const sessions = all ? everything : everything.filter(isOpen);
  if (json) return line.out.say(JSON.stringify(sessions));
  const machines = new Map(line.need(await line.rest.listRunners()).map(({ id, name }) => [id, name]));
  const { tty } = line.out;
  if (sessions.length === 0) {
    if (tty)
      line.out.tell(
        everything.length === 0 ? 'There is no session yet.' : 'No session is open; --all shows the others.',
      );
    return;
  }
  const short = shortIds(everything.map(({ id }) => id));
  const rows = sessions.map((session) => [
    tty ? short(session.id) : session.id,
    stateWords(session, true).text,
    session.agent?.provider ?? 'shell',
    plainLine(session.title, tty ? 50 : 200),
    plainLine(machines.get(session.runnerId) ?? session.runnerId),
  ]);
  const head = tty ? [['ID', 'STATE', 'KIND', 'TITLE', 'MACHINE']] : [];
  for (const row of table([...head, ...rows], tty)) line.out.say(row);
}

const isOpen = ({ status, archived }: SessionDescriptor): boolean =>
  status !== 'ended' && status !== 'failed' && !archived;
