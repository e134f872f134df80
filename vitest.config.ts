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
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          setupFiles: ['packages/testkit/src/property-seed.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // After the packages' tests: whole systems and browsers want the machine for themselves.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
