import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'packages',
          include: ['packages/*/test/**/*.test.ts'],
          setupFiles: ['packages/testkit/src/property-seed.ts'],
          testTimeout: 20_000,
          hookTimeout: 20_000,
          // Many of them wait for processes; the default leaves one processor idle, which on two is half the machine.
          maxWorkers: '100%',
        },
      },
      {
        test: {
          name: 'journeys',
          include: ['e2e/journeys/**/*.test.ts', 'e2e/architecture/**/*.test.ts'],
          setupFiles: ['packages/testkit/src/property-seed.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // They wait for facts, most of the time; two at once take little more than half.
          maxWorkers: 2,
          // After the packages' tests: whole systems and browsers want the machine.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'faults',
          include: ['e2e/faults/**/*.test.ts'],
          setupFiles: ['packages/testkit/src/property-seed.ts'],
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
