import { defineConfig } from 'vitest/config';

/** Everything but the scenarios with the real client, which have a configuration of their own in test/e2e. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**', 'node_modules/**'],
    globalSetup: ['test/support/build-once.ts'],
    setupFiles: ['test/support/same-dice.ts'],
    // The tests of permissions change the process's user, which threads share.
    pool: 'forks',
    // One more than the machines of CI have cores: what is tested is mostly processes that are waited for.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
