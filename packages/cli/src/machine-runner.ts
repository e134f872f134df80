/**
 * This machine's runner with the holder it found or started. When the holder dies, a new one is started and a new
 * runner says what is left.
 */
import { join } from 'node:path';
import { ensureHolder } from '@holdfast/holder/launch.ts';
import type { Holder } from '@holdfast/holder/process.ts';
import { createClaudeDriver } from '@holdfast/runner/agents/claude/driver.ts';
import { createDemoDriver } from '@holdfast/runner/agents/demo/driver.ts';
import { agentEnvironment } from '@holdfast/runner/environment.ts';
import { type Runner, type RunnerOptions, createRunner } from '@holdfast/runner/runner.ts';
import type { Configuration } from '@holdfast/server/config/configuration.ts';
import type { Logger } from 'pino';
import { Failure } from './failure.ts';

/** Between attempts to get a holder back, ms. */
const retryMs = 1_000;

export interface MachineRunnerOptions extends Pick<RunnerOptions, 'runnerId' | 'name' | 'onWelcome' | 'onRefused'> {
  readonly configuration: Configuration;
  readonly environment: NodeJS.ProcessEnv;
  /** Gives each new runner a channel to the server; an earlier one is closed. */
  readonly link: (runner: Runner) => void;
  readonly log: Logger;
}

export class MachineRunner {
  readonly #options: MachineRunnerOptions;
  #runner: Runner | null = null;
  #holder: Holder | null = null;
  #retry: NodeJS.Timeout | null = null;
  #closed = false;

  private constructor(options: MachineRunnerOptions) {
    this.#options = options;
  }

  /** Failure: the holder cannot be had, or a workspace root cannot be used. */
  static async start(options: MachineRunnerOptions): Promise<MachineRunner> {
    const machine = new MachineRunner(options);
    await machine.#start();
    return machine;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#runner?.close();
    this.#holder?.close();
  }

  async #start(): Promise<void> {
    const { configuration, environment, link, log, runnerId, name, onWelcome, onRefused } = this.#options;
    const { dataDirectory, workspaceRoots } = configuration;
    const holder = await ensureHolder({ dataDir: dataDirectory });
    if (!holder.ok) throw new Failure('holder', `The holder cannot be reached: ${holder.error.message}`);
    const forAgents = agentEnvironment(environment);
    const runner = await createRunner({
      runnerId,
      name,
      ...(onWelcome === undefined ? {} : { onWelcome }),
      ...(onRefused === undefined ? {} : { onRefused }),
      dataDir: join(dataDirectory, 'runner'),
      uploadsDirectory: join(dataDirectory, 'uploads'),
      maxUploadBytes: configuration.maxUploadBytes,
      uploadDays: configuration.uploadDays,
      roots: workspaceRoots,
      environment,
      holder: holder.value,
      drivers: [
        createClaudeDriver({ environment: forAgents }),
        createDemoDriver({ environment: forAgents, stateDir: join(dataDirectory, 'demo-agent') }),
      ],
      agentIdleMs: configuration.agentIdleMinutes * 60_000,
      log,
    });
    if (!runner.ok) {
      holder.value.close();
      throw new Failure('configuration', runner.error.message);
    }
    this.#holder = holder.value;
    this.#runner = runner.value;
    holder.value.onDisconnect(() => this.#holderLost());
    link(runner.value);
  }

  #holderLost(): void {
    if (this.#closed) return;
    const { log } = this.#options;
    log.error('the holder is gone, and with it what ran in it; starting another');
    const lost = this.#runner;
    this.#runner = null;
    this.#holder = null;
    const again = (): void => {
      if (this.#closed) return;
      this.#start().catch((error: unknown) => {
        log.error({ error }, 'no holder yet');
        this.#retry = setTimeout(again, retryMs);
      });
    };
    (lost?.close() ?? Promise.resolve()).catch((error: unknown) => log.warn({ error }, 'the runner')).finally(again);
  }
}
