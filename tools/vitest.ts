import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** The long sweeps are run by `npm run test:long`, which sets BAG_TEST_LONG; `npm test` is without them. */
const long = process.env['BAG_TEST_LONG'] !== undefined;

/** The test runner's settings that every package shares. */
export default defineConfig({
  test: {
    include: [long ? 'src/**/*.long.test.ts' : 'src/**/*.test.ts'],
    exclude: long ? [] : ['src/**/*.long.test.ts'],
    passWithNoTests: long,
    // No test takes more than ten seconds on an idle machine; a busy or a slow one may take thirty times as long.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 300_000,
    pool: 'forks',
    // Each holds an engine or two.
    maxWorkers: Math.min(16, availableParallelism()),
    // The same sums on every machine, and no threads that wait for a core which another test has.
    env: { BAG_NUM_THREADS: process.env['BAG_NUM_THREADS'] ?? '1' },
    reporters: ['default', 'json'],
    // What `npm test` adds up.
    outputFile: { json: '.cache/tests.json' },
  },
});
