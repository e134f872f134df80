// npm run test:soak: the fault suite at full length. Arguments go to vitest: npm run test:soak -- e2e/faults/simulation.
// HOLDFAST_SOAK_RUNS and HOLDFAST_SOAK_SEED choose how many simulated runs, and from which seed on.
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const filters = process.argv.slice(2);
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--no-file-parallelism'];
const { status } = spawnSync(
  join(root, 'node_modules/.bin/node'),
  [...vitest, ...(filters.length > 0 ? filters : ['e2e/faults'])],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      HOLDFAST_SOAK: '1',
      PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`,
    },
  },
);
process.exitCode = status ?? 1;
