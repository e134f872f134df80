/** What could not be sent, and what a person decides about it. */
import { fail } from '@holdfast/protocol/error.ts';
import type { OutboxEntry } from '@holdfast/core/client/outbox.ts';
import { Failure } from '../../failure.ts';
import { choose, shortIds } from '../choose.ts';
import { type CommandLine, entryWords } from '../command-line.ts';
import { type ListedCommand, listOutbox } from '../file-outbox.ts';
import { type Outcome, errorWords, localTime } from '../outcome.ts';
import { type Output, table } from '../output.ts';

/** Reads the file and asks nobody. */
export function showOutbox(dataDirectory: string, json: boolean, out: Output): void {
  const kept = listed(dataDirectory);
  if (json) return out.say(JSON.stringify(kept));
  if (kept.length === 0 && out.tty) out.tell('Nothing is kept here.');
  const short = shortIds(kept.map(({ id }) => id));
  const rows = kept.map((one) => [
    out.tty ? short(one.id) : one.id,
    localTime(one.createdAt),
    one.server,
    one.sessionId,
    entryWords(one),
    stateOf(one),
  ]);
  for (const row of table(rows, out.tty)) out.say(row);
}

function listed(dataDirectory: string): readonly ListedCommand[] {
  try {
    return listOutbox(dataDirectory);
  } catch (error) {
    throw new Failure('data', `The outbox cannot be read: ${(error as Error).message}`);
  }
}

function stateOf({ state, held }: ListedCommand): string {
  switch (state.status) {
    case 'saved':
      return held ? 'being sent by another process' : 'kept, the next run sends it';
    case 'failed':
      return `not sent: ${errorWords(state.error)}`;
    case 'unsure':
      return `may have arrived: ${errorWords(state.error)}`;
  }
}

/** Failed or unsure, again under the same id; what is only kept is sent by any run. */
export async function retryKept(line: CommandLine, text: string): Promise<Outcome> {
  const entry = find(line, text);
  line.client.retry(entry.id);
  return line.settle(entry.id);
}

export function discardKept(line: CommandLine, text: string): Outcome {
  const entry = find(line, text);
  line.client.discard(entry.id);
  return { exit: 'done', words: `Discarded: ${entryWords(entry)}` };
}

function find(line: CommandLine, text: string): OutboxEntry {
  const entries = line.client.outbox.get().map((entry) => ({ ...entry, title: '' }));
  const chosen = choose(entries, text, 'kept command');
  if (chosen.ok) return chosen.value;
  if (chosen.error.kind !== 'not_found') throw line.failure(chosen.error);
  throw line.failure(
    fail(
      'not_found',
      `${chosen.error.message} It may be for another server (--server), or in the hands of a process that runs.`,
    ).error,
  );
}
