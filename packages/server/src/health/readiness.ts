/** Whether this server can do its work now, by named checks (OPS5). What a check says goes to the log, not to the asker. */
import type { Logger } from 'pino';
import type { Drain } from './drain.ts';

export interface ReadinessReport {
  ready: boolean;
  checks: Record<string, { ok: boolean; durationMs: number; message?: string }>;
}

export interface ReadinessOptions {
  readonly checks: () => Record<string, () => Promise<void>>;
  /** A check that takes longer has failed. */
  readonly timeoutMs: number;
  readonly log: Logger;
  readonly drain: Drain;
}

export class Readiness {
  readonly #options: ReadinessOptions;
  /** Whoever asks meanwhile gets the same answer: asking often must not cost more. */
  #running: Promise<ReadinessReport> | null = null;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  check(): Promise<ReadinessReport> {
    this.#running ??= this.#run().finally(() => (this.#running = null));
    return this.#running;
  }

  async #run(): Promise<ReadinessReport> {
    const named = Object.entries(this.#options.checks());
    const checks = await Promise.all(named.map(async ([name, check]) => [name, await this.#one(name, check)] as const));
    const report: ReadinessReport['checks'] = Object.fromEntries(checks);
    const { refusal } = this.#options.drain;
    if (refusal !== null) report['closing'] = { ok: false, durationMs: 0, message: refusal.message };
    return { ready: Object.values(report).every(({ ok }) => ok), checks: report };
  }

  async #one(name: string, check: () => Promise<void>): Promise<ReadinessReport['checks'][string]> {
    const { timeoutMs, log } = this.#options;
    const began = performance.now();
    const durationMs = (): number => Math.round((performance.now() - began) * 10) / 10;
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => resolve('late'), timeoutMs);
    try {
      // Promise.resolve().then: a check that throws at once is a failed check like any other.
      const end = await Promise.race([Promise.resolve().then(check), late]);
      if (end !== 'late') return { ok: true, durationMs: durationMs() };
      log.warn({ check: name, timeoutMs }, 'a readiness check did not answer');
      return { ok: false, durationMs: durationMs(), message: `no answer within ${timeoutMs} ms` };
    } catch (error) {
      log.warn({ check: name, err: error }, 'a readiness check failed');
      return { ok: false, durationMs: durationMs(), message: 'failed, see the log' };
    } finally {
      clearTimeout(timer);
    }
  }
}
