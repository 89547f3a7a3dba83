import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, test } from 'vitest';

export type TestBackend = 'cpu' | 'wasm' | 'onednn';

const load = createRequire(import.meta.url);
setWasmPaths(join(dirname(load.resolve('@tensorflow/tfjs-backend-wasm')), '/'));

let onednnFailure: string | undefined;

/**
 * Registers the native engine, unless the test file has done so. It is no declared dependency: its own tests use this
 * package, and a machine without a compiler has only its TypeScript.
 *
 * @returns Why it does not load; undefined where it does.
 */
function loadOnednn(): string | undefined {
  if (onednnFailure !== undefined || (tf.findBackendFactory('onednn') as unknown) != null) return onednnFailure;
  try {
    load('@bag/tfjs-backend-onednn');
  } catch (error) {
    onednnFailure = (error as Error).message.split('\n')[0] ?? 'unknown';
  }
  return onednnFailure;
}

/**
 * Runs the same tests once on each backend, on the native one where it loads. What a backend lacks for the tests
 * (training kernels for wasm, say), the test file imports itself.
 */
export function describeOnBackends(
  name: string,
  define: (backend: TestBackend) => void,
  backends: readonly TestBackend[] = ['cpu', 'wasm', 'onednn'],
): void {
  for (const backend of backends) {
    const failure = backend === 'onednn' ? loadOnednn() : undefined;
    if (failure !== undefined) {
      test.skip(`${name} [${backend}], skipped: ${failure}`);
      continue;
    }
    describe(`${name} [${backend}]`, () => {
      beforeAll(async () => {
        await tf.setBackend(backend);
        await tf.ready();
      });
      define(backend);
    });
  }
}
