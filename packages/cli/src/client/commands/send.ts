import { foldFacts, transcriptOf } from '@holdfast/core/client/fold.ts';
import { itemKey, type MessageProgress } from '@holdfast/core/client/transcript-item.ts';
import { type Transcript, itemOf, newTranscript } from '@holdfast/core/client/transcript.ts';
import { utf8Length } from '@holdfast/protocol/bytes.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { Failure } from '../../failure.ts';
import { isWholeId } from '../choose.ts';
import type { ClientCommand } from '../client-arguments.ts';
import type { CommandLine } from '../command-line.ts';
import { findSession } from '../find-session.ts';
import type { Outcome } from '../outcome.ts';
import { plainLine } from '../output.ts';

type Send = Extract<ClientCommand, { command: 'send' }>;

export async function send(
  line: CommandLine,
  { session, text, wait }: Send,
  stdin: AsyncIterable<Buffer>,
): Promise<Outcome> {
  const message = text ?? (await allOf(stdin));
  if (utf8Length(message) > limits.messageText) throw tooLarge();
  // A whole id needs nobody to ask: the message is kept before anything else is tried.
  const sessionId = isWholeId(session) ? session : (await findSession(line, session)).id;
  const sent = line.client.send(sessionId, { type: 'message.send', text: message });
  if (!sent.ok) throw line.failure(sent.error);
  const work = wait ? followMessage(line, sessionId, sent.value.id) : null;
  const outcome = await line.settle(sent.value.id);
  if (outcome.exit !== 'done' || work === null) {
    work?.stop();
    return outcome;
  }
  line.out.tell(outcome.words);
  return work.done;
}

const tooLarge = (): Failure => new Failure('tooLarge', `A message has at most ${limits.messageText / 1_024} KiB.`);

async function allOf(input: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of input) {
    bytes += part.byteLength;
    if (bytes > limits.messageText) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Tells each step of the message and of what it waits for; ends with its turn. */
function followMessage(
  line: CommandLine,
  sessionId: string,
  messageId: string,
): { done: Promise<Outcome>; stop: () => void } {
  let transcript: Transcript = newTranscript(sessionId);
  let told = '';
  let finish: (outcome: Outcome) => void = () => undefined;
  const done = new Promise<Outcome>((resolve) => (finish = resolve));
  const look = (): void => {
    const item = itemOf(transcript, itemKey.message(messageId));
    const progress = item?.type === 'user' ? item.progress : null;
    const ending = progress === null ? null : endings[progress];
    if (ending !== null) return finish(ending);
    const words =
      transcript.status === 'waiting' ? waitingWords(transcript) : progress === 'running' ? 'Delivered.' : '';
    if (words !== '' && words !== told) line.out.tell(words);
    told = words;
  };
  const handle = line.client.openSession(
    sessionId,
    { after: null },
    {
      reset: ({ base, lastSeq, facts }) => {
        transcript = transcriptOf({ sessionId, state: base, lastSeq, facts });
        look();
      },
      facts: (facts) => {
        transcript = foldFacts(transcript, facts);
        look();
      },
      refused: (error) => finish({ exit: line.failure(error).exitName, words: line.failure(error).message }),
    },
  );
  const unconnected = line.client.connection.subscribe((view) => {
    if (view.status === 'failed')
      finish({
        exit: 'unavailable',
        words: `Stored. What became of it is not known: ${plainLine(view.error.message)}.`,
      });
  });
  const interrupt = (): void => finish({ exit: 'interrupted', words: 'Stored. The agent works on.' });
  line.interrupted.addEventListener('abort', interrupt, { once: true });
  const stop = (): void => {
    handle.close();
    unconnected();
    line.interrupted.removeEventListener('abort', interrupt);
  };
  return { done: done.finally(stop), stop };
}

const endings: Readonly<Record<MessageProgress, Outcome | null>> = {
  stored: null,
  running: null,
  done: { exit: 'done', words: 'Done.' },
  stopped: { exit: 'failed', words: 'Stopped.' },
  failed: { exit: 'failed', words: 'The agent failed; holdfast logs shows why.' },
  interrupted: { exit: 'failed', words: 'Interrupted: the agent died under it.' },
};

function waitingWords(transcript: Transcript): string {
  const [first = ''] = transcript.pendingApprovals;
  const item = itemOf(transcript, first);
  return item?.type === 'approval'
    ? `Waiting for you: ${plainLine(item.title)} (holdfast approve ${item.approvalId.slice(0, 8)})`
    : '';
}
