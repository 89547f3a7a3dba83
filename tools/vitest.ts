import { defineConfig } from 'vitest/config';

/** The test runner's settings that every package shares. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', 'json'],
    // What `npm test` adds up.
    outputFile: { json: '.cache/tests.json' },
  },
});
