/** The machine of a run: the real runner over the simulated holder, started again whenever it is gone. */
import type { Holder } from '@holdfast/holder/process.ts';
import type { ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import { type Runner, type RunnerOptions, createRunner } from '@holdfast/runner/runner.ts';
import type { CrashPoint, Fuse } from './fuse.ts';
import type { Network, Wire } from './network.ts';
import { simulatedDriver } from './simulated-driver.ts';
import type { SimulatedHolder } from './simulated-holder.ts';

/** Between two attempts to link up, and until a runner that is gone is started again, ms. */
const pauseMs = 500;

export interface SimulatedRunnerOptions {
  readonly network: Network;
  readonly holder: SimulatedHolder;
  readonly log: RunnerOptions['log'];
  /** The server's side takes the wire, or nobody listens. */
  readonly dial: (wire: Wire<ToServer, ToRunner>) => boolean;
}

interface Life {
  readonly fuse: Fuse;
  runner: Runner | null;
  wire: Wire<ToServer, ToRunner> | null;
}

export class SimulatedRunner {
  readonly #options: SimulatedRunnerOptions;
  #life: Life | null = null;
  /** Where its next lives end. */
  #crashPoints: readonly CrashPoint[] = [];

  constructor(options: SimulatedRunnerOptions) {
    this.#options = options;
  }

  get fuse(): Fuse | null {
    return this.#life?.fuse ?? null;
  }

  get wire(): Wire<ToServer, ToRunner> | null {
    return this.#life?.wire ?? null;
  }

  /** Struck down at the first of these, and each time it is there again at the next. */
  crashAt([next, ...later]: readonly CrashPoint[]): void {
    this.#crashPoints = later;
    this.fuse?.lightAt(next ?? null);
  }

  async start(): Promise<void> {
    const { holder, log, network } = this.#options;
    const connected = holder.connect(() => this.#struck(life));
    const life: Life = { fuse: connected.fuse, runner: null, wire: null };
    this.#life = life;
    this.crashAt(this.#crashPoints);
    connected.holder.onDisconnect(() => this.#holderLost(life));
    const runner = await createRunner(this.#optionsOf(connected.holder, connected.lines, log));
    if (this.#life !== life) return;
    if (!runner.ok) {
      this.#life = null;
      network.time.after(pauseMs, () => this.#again());
      return;
    }
    life.runner = runner.value;
    this.#dial(life);
  }

  /** For good. */
  close(): void {
    const life = this.#life;
    this.#life = null;
    life?.fuse.light(0, 'before');
    life?.wire?.abandon(life.wire.near);
  }

  #optionsOf(holder: Holder, lines: SimulatedHolder['readLines'], log: RunnerOptions['log']): RunnerOptions {
    return {
      runnerId: 'local',
      name: 'here',
      dataDir: '/simulated',
      uploadsDirectory: '/simulated/uploads',
      roots: ['/simulated'],
      holder,
      drivers: [simulatedDriver(lines)],
      after: (ms, call) => this.#options.network.time.after(ms, call),
      environment: { SHELL: '/bin/sh', PATH: '/bin' },
      log,
    };
  }

  #dial(life: Life): void {
    const { network, dial } = this.#options;
    if (this.#life !== life || life.runner === null) return;
    const wire = network.wire<ToServer, ToRunner>({ name: 'runner', repeatable });
    if (!dial(wire)) {
      network.time.after(pauseMs, () => this.#dial(life));
      return;
    }
    life.wire = wire;
    wire.near.onClose(() => network.time.after(pauseMs, () => this.#dial(life)));
    life.runner.connect(wire.near);
  }

  /** In the middle of something: nothing of it goes on. */
  #struck(life: Life): void {
    if (life.fuse.loses) life.wire?.cut(true);
    life.wire?.abandon(life.wire.near);
    if (this.#life !== life) return;
    this.#life = null;
    this.#options.network.time.after(pauseMs, () => this.#again());
  }

  #holderLost(life: Life): void {
    if (this.#life !== life) return;
    this.#life = null;
    life.wire?.near.close();
    this.#options.network.time.after(pauseMs, () => this.#again());
  }

  #again(): void {
    this.start().catch((error: unknown) => this.#options.log.error({ err: error }, 'the runner did not start'));
  }
}

const repeatable = (message: unknown): boolean =>
  ['deliver', 'report', 'done', 'stored'].includes((message as { type: string }).type);
