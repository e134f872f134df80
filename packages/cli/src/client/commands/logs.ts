/** A conversation, or a terminal's screen; and what is added to it while one looks. */
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { SessionSink } from '@holdfast/link/client-interface.ts';
import type { ClientCommand } from '../client-arguments.ts';
import type { CommandLine } from '../command-line.ts';
import { factLines } from '../fact-lines.ts';
import { findSession } from '../find-session.ts';
import type { Outcome } from '../outcome.ts';
import { plain } from '../output.ts';
import { PlainStream } from '../plain-stream.ts';
import { stay } from '../stay.ts';

type Logs = Extract<ClientCommand, { command: 'logs' }>;

const quiet: Outcome = { exit: 'done', words: '' };

export async function logs(line: CommandLine, { session: text, follow, all, json }: Logs): Promise<Outcome> {
  const session = await findSession(line, text);
  const print = (facts: readonly Fact[]): void => printFacts(line, facts, json);
  const asScreen = session.kind === 'terminal' && !json && !all;
  let last = 0;
  if (all) last = await printAll(line, session.id, print);
  if (follow) {
    const { done } = stay(line, session.id, asScreen ? screenSink(line) : factSink(print), {
      after: all ? last : null,
      tty: asScreen,
      lost: () => line.out.tell('The connection was lost. Trying again.'),
      back: () => line.out.tell('Connected again.'),
    });
    return done;
  }
  if (all) return quiet;
  if (asScreen) {
    line.out.say(plain(line.need(await line.rest.screenText(session.id))));
    return quiet;
  }
  print(line.need(await line.rest.events(session.id, tailOf(session))).events);
  return quiet;
}

const tailOf = ({ lastSeq }: SessionDescriptor): { before: number; limit: number } => ({
  // What came meanwhile is newer than what was asked for, and belongs to it.
  before: lastSeq + limits.pageFacts,
  limit: limits.resetFacts,
});

/** Page by page, so that a log of any length passes through. Answers the last seq. */
async function printAll(
  line: CommandLine,
  sessionId: string,
  print: (facts: readonly Fact[]) => void,
): Promise<number> {
  for (let after = 0; ;) {
    const { events, lastSeq } = line.need(await line.rest.events(sessionId, { after, limit: limits.pageFacts }));
    print(events);
    after = events.at(-1)?.seq ?? after;
    if (events.length === 0 || after >= lastSeq || line.interrupted.aborted) return after;
  }
}

function printFacts({ out }: CommandLine, facts: readonly Fact[], json: boolean): void {
  for (const fact of facts) {
    if (json) out.say(JSON.stringify(fact));
    else for (const one of factLines(fact)) out.say(one);
  }
}

/** Each fact once, also where a new tail repeats some. */
const factSink = (print: (facts: readonly Fact[]) => void): SessionSink => {
  let printed = 0;
  const news = (facts: readonly Fact[]): void => {
    print(facts.filter(({ seq }) => seq > printed));
    printed = facts.at(-1)?.seq ?? printed;
  };
  return { facts: news, reset: ({ facts }) => news(facts) };
};

/** The screen that there is, then what is printed: as it comes for a person, as plain text for a program. */
function screenSink(line: CommandLine): SessionSink {
  const stream = new PlainStream();
  return {
    facts: () => undefined,
    reset: () => undefined,
    screen: ({ ansi }) => line.out.write(stream.whole(ansi)),
    tty: (_offset, data) => line.out.write(stream.next(data)),
  };
}
