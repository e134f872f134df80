import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Faults that load the machine as much as they can, or look at how long something takes. */
const alone = ['e2e/faults/{kills,proxy,wire}.test.ts'];
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
          include: ['e2e/**/*.test.ts'],
          exclude: alone,
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
          include: alone,
          setupFiles,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
