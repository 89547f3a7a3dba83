import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumFlags, chromiumPath } from './testing/src/chromium.ts';

/** The contracts of all packages in a real browser, the same files as in Node. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  define: {
    'import.meta.env.BAG_TEST_BACKENDS': JSON.stringify(process.env['BAG_TEST_BACKENDS'] ?? 'cpu,wasm,webgl,webgpu'),
  },
  // Made in one go, so that all share one tfjs-core; found later, they would reload the page in the middle of a test.
  optimizeDeps: {
    include: [
      '@tensorflow/tfjs',
      '@tensorflow/tfjs-backend-wasm',
      '@tensorflow/tfjs-backend-webgpu',
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-layers',
      'fast-check',
    ],
  },
  test: {
    include: ['packages/*/src/contract.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    fileParallelism: false,
    reporters: ['dot', 'json'],
    // What `npm run test:browser` adds up.
    outputFile: { json: '.cache/browser-tests.json' },
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          ...(chromiumPath !== undefined && { executablePath: chromiumPath }),
          args: chromiumFlags,
        },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
});
