/** One command that asks a server, from its arguments to its exit code. */
import type { Configuration } from '@holdfast/server/config/configuration.ts';
import { exitCodes } from '../failure.ts';
import type { ClientInvocation } from './client-arguments.ts';
import { CommandLine } from './command-line.ts';
import { approve, deny } from './commands/approvals.ts';
import { attach } from './commands/attach.ts';
import { logs } from './commands/logs.ts';
import { ls } from './commands/ls.ts';
import { newSession } from './commands/new.ts';
import { discardKept, retryKept, showOutbox } from './commands/outbox.ts';
import { send } from './commands/send.ts';
import { stopSession } from './commands/stop.ts';
import { listOutbox } from './file-outbox.ts';
import type { LocalTerminal } from './local-terminal.ts';
import type { Outcome } from './outcome.ts';
import type { Output } from './output.ts';
import { placeOf } from './place.ts';
import { serverAccess } from './server-access.ts';

export interface Surroundings {
  readonly configuration: Configuration;
  readonly environment: NodeJS.ProcessEnv;
  readonly out: Output;
  readonly stdin: AsyncIterable<Buffer>;
  /** null: the program does not run in one. */
  readonly terminal: LocalTerminal | null;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}

type Asking = Exclude<ClientInvocation, { command: 'outbox' }>;

const quiet: Outcome = { exit: 'done', words: '' };

/** Answers the exit code. Failure: why it cannot be done. */
export async function runClient(invocation: ClientInvocation, around: Surroundings): Promise<number> {
  const { configuration, environment, out, interrupted } = around;
  const { dataDirectory } = configuration;
  if (invocation.command === 'outbox') {
    showOutbox(dataDirectory, invocation.json, out);
    return 0;
  }
  const access = await serverAccess(configuration, invocation.where, environment);
  const line = new CommandLine(access, dataDirectory, out, interrupted);
  try {
    const { exit, words } = await carryOut(line, invocation, around);
    if (words !== '') {
      if (exit === 'done') out.say(words);
      else out.tell(words);
    }
    return exit === 'done' ? 0 : exitCodes[exit];
  } finally {
    await line.close();
  }
}

async function carryOut(line: CommandLine, invocation: Asking, around: Surroundings): Promise<Outcome> {
  if (invocation.command === 'outbox discard') return discardKept(line, invocation.id);
  if (mayHaveEarlier(around.configuration.dataDirectory)) await line.sendEarlier();
  switch (invocation.command) {
    case 'ls':
      await ls(line, invocation);
      return quiet;
    case 'new':
      await newSession(line, invocation, placeOf(around.environment, process.cwd()));
      return quiet;
    case 'send':
      return send(line, invocation, around.stdin);
    case 'stop session':
      return stopSession(line, invocation);
    case 'approve':
      return approve(line, invocation);
    case 'deny':
      return deny(line, invocation);
    case 'attach':
      return attach(line, invocation, around.terminal);
    case 'logs':
      return logs(line, invocation);
    case 'outbox retry':
      return retryKept(line, invocation.id);
  }
}

/** A file that cannot be read is looked at by the outbox itself, which says what is wrong with it. */
function mayHaveEarlier(dataDirectory: string): boolean {
  try {
    return listOutbox(dataDirectory).some(({ state, held }) => state.status === 'saved' && !held);
  } catch {
    return true;
  }
}
