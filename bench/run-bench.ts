import { cpus, loadavg } from 'node:os';
import { Resources } from '@holdfast/cli/resources.ts';

/** What the bench has started is ended also when it fails or is interrupted. */
export async function runBench(run: (owner: Resources) => Promise<void>): Promise<void> {
  const owner = new Resources();
  let ending = false;
  const giveUp = (why: string): void => {
    // What fails because it was ended is no news.
    if (ending) return;
    ending = true;
    say(`${why}; ending what was started`);
    void owner.dispose().finally(() => process.exit(1));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => giveUp(signal));
  process.on('uncaughtException', (error) => giveUp(error.stack ?? error.message));
  await run(owner);
  await owner.dispose();
}

/** Progress, beside the result. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Where and under which load the figures were taken. */
export function machine(): string {
  const { platform, arch, versions } = process;
  const [load = NaN] = loadavg();
  const processors = cpus();
  return `${processors.length} × ${processors[0]?.model ?? '?'}, ${platform} ${arch}, Node ${versions.node}, load ${load.toFixed(1)} at the end`;
}
