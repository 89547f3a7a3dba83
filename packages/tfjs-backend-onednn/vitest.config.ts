import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';
import shared from '../../tools/vitest.ts';

/** Why there is no addon to test, or undefined. One that is there but does not load fails the tests. */
function missing(): string | undefined {
  if (process.env['BAG_ONEDNN_ADDON'] !== undefined) return undefined;
  const nodeGypBuild = createRequire(import.meta.url)('node-gyp-build') as { resolve(folder: string): string };
  try {
    nodeGypBuild.resolve(import.meta.dirname);
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
}

/** What is compiled for vectors of eight and of sixteen numbers, or is computed in bfloat16 or not: tested both ways. */
const twofold = ['batch-norm', 'cross-entropy', 'half', 'half-kernels', 'softmax', 'unary', 'winograd'].map(
  (name) => `src/${name}.test.ts`,
);

// Two threads, on every machine: what is computed by several is tested, and sums are the same everywhere.
const test = { ...shared.test, env: { BAG_NUM_THREADS: process.env['BAG_NUM_THREADS'] ?? '2' } };
const avx2 = { test: { ...test, name: 'avx2', include: twofold, env: { ...test.env, ONEDNN_MAX_CPU_ISA: 'AVX2' } } };

const reason = missing();
if (reason !== undefined) console.error(`@bag/tfjs-backend-onednn: tests skipped: ${reason}`);

export default defineConfig({
  test:
    reason === undefined
      ? {
          ...test,
          projects: [{ test: { ...test, name: 'widest' } }, ...(process.arch === 'x64' ? [avx2] : [])],
        }
      : { ...test, exclude: ['**'], passWithNoTests: true },
});
