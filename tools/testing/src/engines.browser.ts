import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
// No declared dependency, as its own tests use this package.
import '@bag/tfjs-webgpu';
import type { TestBackend } from './engines.js';

export type { TestBackend };

// Where the test server has them, whose root is the repository; the engine's own loader would look beside its bundle.
setWasmPaths('/node_modules/@tensorflow/tfjs-backend-wasm/dist/');

// Small tensors that are in JavaScript's memory stay there else: the processor would be tested, once, and from the
// second call on the graphics card.
tf.env().set('WEBGL_CPU_FORWARD', false);
tf.env().set('WEBGPU_CPU_FORWARD', false);

/** What the tests run on: the engines that BAG_TEST_BACKENDS names, which the test server's settings pass on. */
export const selectedBackends = (import.meta as unknown as { env: Record<string, string> }).env[
  'BAG_TEST_BACKENDS'
]?.split(',') as TestBackend[];

/** Why the tests on an engine are left out; undefined where they run. An engine that is selected has to start. */
export function reasonToSkip(backend: TestBackend): string | undefined {
  return selectedBackends.includes(backend) ? undefined : 'not in BAG_TEST_BACKENDS';
}

/** Makes an engine current. */
export async function start(backend: TestBackend): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} does not start`);
  await tf.ready();
}
