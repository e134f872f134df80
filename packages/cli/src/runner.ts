/** A machine that works for a server elsewhere: holder and runner here, and one link that is dialled from here. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Channel } from '@holdfast/link/channel.ts';
import { type ChannelDialler, channelDialler } from '@holdfast/link/channel-dialler.ts';
import { runnerDoor, runnerLimits } from '@holdfast/link/runner-door.ts';
import { systemClock } from '@holdfast/link/system-clock.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import { fitMessage } from '@holdfast/runner/fit-message.ts';
import type { Runner } from '@holdfast/runner/runner.ts';
import type { Configuration } from '@holdfast/server/config/configuration.ts';
import { createLogger } from '@holdfast/server/health/logger.ts';
import { destination, type Logger } from 'pino';
import type { Invocation } from './arguments.ts';
import { Failure } from './failure.ts';
import { lockInstance, runningInstance } from './instance-lock.ts';
import { MachineRunner } from './machine-runner.ts';
import { Resources } from './resources.ts';
import { runnerIdentity } from './runner-identity.ts';
import { leaveSoon, stopSignal } from './serve.ts';
import { serverOrigin } from './server-origin.ts';

/**
 * Resolves with 0 when it was asked to stop and has; the holder and what runs in it go on. Failure: wrong use, a data
 * directory that cannot be used, no holder, or a server that will not have this machine.
 */
export async function runRunner(
  configuration: Configuration,
  invocation: Extract<Invocation, { command: 'runner' }>,
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<number> {
  const url = serverOrigin(invocation.server);
  const key = invocation.key ?? environment['HOLDFAST_RUNNER_KEY'] ?? '';
  if (key === '') throw new Failure('usage', 'runner needs an API key: --key KEY or HOLDFAST_RUNNER_KEY.');
  const resources = new Resources();
  try {
    const stopped = stopSignal();
    const { dataDirectory } = configuration;
    const lock = lockInstance(dataDirectory);
    if (lock === null) throw new Failure('inUse', inUse(dataDirectory));
    resources.add(() => lock.release());
    lock.announce({ pid: process.pid, url });
    const log = createLogger({
      level: configuration.logLevel,
      destination: destination({ dest: join(dataDirectory, 'runner.log'), sync: false, mode: 0o600 }),
    });
    const link = new ServerLink({ url, key, say, log });
    const machine = await MachineRunner.start({
      configuration,
      environment,
      runnerId: runnerIdentity(dataDirectory),
      name: invocation.name ?? hostname(),
      link: (runner) => link.use(runner),
      onWelcome: () => link.welcomed(),
      onRefused: (error) => link.refused(error.message),
      log,
    });
    resources.add(() => machine.close());
    resources.add(() => link.close());
    const signal = await Promise.race([stopped, link.ended]);
    say(`Stopping (${signal}); shells and agents go on.`);
    leaveSoon();
    return 0;
  } finally {
    await resources.dispose();
  }
}

interface ServerLinkOptions {
  readonly url: string;
  readonly key: string;
  readonly say: (line: string) => void;
  readonly log: Logger;
}

/** Gives the runner that is there each new channel, and says what becomes of the link, once each time. */
class ServerLink {
  /** Rejects with a Failure when trying again does not help. */
  readonly ended: Promise<never>;
  readonly #options: ServerLinkOptions;
  readonly #dialler: ChannelDialler;
  #giveUp: (failure: Failure) => void = () => undefined;
  #runner: Runner | null = null;
  #linked = false;

  constructor(options: ServerLinkOptions) {
    const { url, key, log } = options;
    this.#options = options;
    this.ended = new Promise((_, reject) => (this.#giveUp = reject));
    // It may come before anybody waits for it.
    this.ended.catch(() => undefined);
    this.#dialler = channelDialler<ToServer, ToRunner>({
      dial: { url, key, door: runnerDoor },
      limits: runnerLimits,
      clock: systemClock,
      random: Math.random,
      tooLarge: (message, size) => {
        log.error({ type: message.type, size }, 'a message is too large for the link');
        return fitMessage(message);
      },
      onChannel: (channel) => this.#give(channel),
      onFirstFailure: (error) => this.#firstFailure(error),
    });
    this.#dialler.connection.subscribe((view) => {
      log.debug({ view }, 'link');
      if (view.status === 'failed') this.refused(refusals[view.remedy] ?? view.error.message);
      else if (view.status === 'backoff') this.#lost(`: ${view.error.message}`);
      else if (view.status === 'connecting') this.#lost('');
      else if (view.status === 'moving') this.#moving();
    });
  }

  /** The runner there is from now on; an earlier one has ended. */
  use(runner: Runner): void {
    const replaced = this.#runner !== null;
    this.#runner = runner;
    if (replaced) this.#dialler.redial({ kind: 'unavailable', message: 'the holder was started anew' });
    else this.#dialler.connect();
  }

  welcomed(): void {
    this.#linked = true;
    this.#options.say(`Linked to ${this.#options.url}.`);
  }

  refused(why: string): void {
    this.#dialler.close();
    this.#giveUp(new Failure('failed', `${this.#options.url} refuses this machine: ${why}`));
  }

  close(): void {
    this.#dialler.close();
  }

  #give(channel: Channel<ToServer, ToRunner>): void {
    if (this.#runner === null) channel.close();
    else this.#runner.connect(channel);
  }

  #firstFailure(error: ErrorBody): void {
    if (error.kind === 'unauthenticated' || error.kind === 'unsupported_version') return;
    this.#options.say(`${this.#options.url} cannot be linked yet: ${error.message}. Trying on.`);
  }

  #moving(): void {
    if (!this.#linked) return;
    this.#linked = false;
    this.#options.say('The server restarts; shells and agents work on.');
  }

  #lost(why: string): void {
    if (!this.#linked) return;
    this.#linked = false;
    this.#options.say(`The link is lost${why}. Trying on; shells and agents work on.`);
  }
}

const refusals: Readonly<Record<'login' | 'reload' | 'retry', string | null>> = {
  login: 'the key is not valid there, or the server does not go by that name (its HOLDFAST_PUBLIC_URL).',
  reload: 'it speaks another version; bring both to the same.',
  retry: null,
};

function inUse(dataDirectory: string): string {
  const other = runningInstance(dataDirectory);
  const who = other === null ? '' : ` (process ${other.pid})`;
  return `${dataDirectory} is already used by a Holdfast server or runner${who}. Give this one its own HOLDFAST_DATA_DIR.`;
}
