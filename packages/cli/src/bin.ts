/** The program: `holdfast COMMAND`. Nothing happens at import; main() is called by whoever starts it. */
import { realpathSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Configuration } from '@holdfast/server/config/configuration.ts';
import { localTerminal } from './client/local-terminal.ts';
import type { Surroundings } from './client/run.ts';
import { parseInvocation, usage } from './arguments.ts';
import { loadConfiguration, prepareDataDirectory } from './directories.ts';
import { Failure, exitCodes } from './failure.ts';

/** Answers the exit code; a server answers when it has stopped. */
export async function main(argv: readonly string[]): Promise<number> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    const invocation = parseInvocation(argv);
    if (invocation.command === 'help') {
      say(usage.trimEnd());
      return 0;
    }
    const configuration = loadConfiguration(process.env);
    prepareDataDirectory(configuration.dataDirectory);
    // Each command brings its own parts: none pays for the others at start.
    if ('where' in invocation) {
      const { runClient } = await import('./client/run.ts');
      return await runClient(invocation, clientSurroundings(configuration));
    }
    switch (invocation.command) {
      case 'serve':
        return leave(await (await import('./serve.ts')).serve(configuration, process.env, say));
      case 'stop':
        await (await import('./stop.ts')).stop(configuration.dataDirectory, invocation.all, say);
        return 0;
      case 'key create':
        say(await (await import('./access.ts')).createKey(configuration, invocation.label));
        return 0;
      case 'login-link':
        say(await (await import('./access.ts')).createLoginLink(configuration));
        return 0;
      case 'runner':
        return leave(await (await import('./runner.ts')).runRunner(configuration, invocation, process.env, say));
      case 'doctor':
        return (await (await import('./doctor.ts')).doctor(configuration, process.env, say)) ? 0 : exitCodes.failed;
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}

/** It has closed all that it had. Timers that libraries leave behind are not waited for. */
function leave(exitCode: number): number {
  process.exitCode = exitCode;
  setImmediate(() => process.exit());
  return exitCode;
}

/** For what Ctrl-C leaves to be said and closed, ms. */
const interruptMs = 1_000;

function clientSurroundings(configuration: Configuration): Surroundings {
  const interrupt = new AbortController();
  // A second one ends the process as usual; so does time, whatever still waits for an answer.
  process.once('SIGINT', () => {
    interrupt.abort();
    setTimeout(() => process.exit(exitCodes.interrupted), interruptMs).unref();
  });
  // Nobody reads any more: holdfast logs … | head
  process.stdout.on('error', () => process.exit());
  const write = (text: string): void => void process.stdout.write(text);
  return {
    configuration,
    environment: process.env,
    out: {
      say: (line) => write(`${line}\n`),
      write,
      tell: (line) => void process.stderr.write(`${line}\n`),
      tty: process.stdout.isTTY,
    },
    stdin: process.stdin,
    terminal: localTerminal(),
    interrupted: interrupt.signal,
  };
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  // Before the commands' own modules are loaded: half of a start is compiling them.
  enableCompileCache();
  process.exitCode = await main(process.argv.slice(2));
}
