import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Faults that load the machine little, and look at no time, or at half a minute. */
const quietFaults = ['e2e/faults/{disk,drain,half-open}.test.ts', 'e2e/faults/simulation/**/*.test.ts'];
const setupFiles = ['packages/testkit/src/property-seed.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'packages',
          include: ['packages/*/test/**/*.test.ts'],
          setupFiles,
          testTimeout: 20_000,
          hookTimeout: 20_000,
          // Many of them wait for processes: three keep two processors busy.
          maxWorkers: Math.ceil(availableParallelism() * 1.5),
        },
      },
      {
        test: {
          name: 'journeys',
          include: ['e2e/journeys/**/*.test.ts', 'e2e/architecture/**/*.test.ts', ...quietFaults],
          setupFiles,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // They wait for facts, most of the time.
          maxWorkers: 3,
          // After the packages' tests: whole systems and browsers want the machine.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'faults',
          include: ['e2e/faults/**/*.test.ts'],
          exclude: quietFaults,
          setupFiles,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // They load the machine themselves, and some look at how long something takes.
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
