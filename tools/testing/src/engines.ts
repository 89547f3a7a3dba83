import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { useSoftwareVulkan } from './vulkan.js';

export type TestBackend = 'cpu' | 'wasm' | 'onednn' | 'tensorflow' | 'tensorflow-gpu' | 'webgpu' | 'webgl';

const load = createRequire(import.meta.url);
setWasmPaths(join(dirname(load.resolve('@tensorflow/tfjs-backend-wasm')), '/'));

const named = process.env['BAG_TEST_BACKENDS'];

/** What the tests run on: the engines that BAG_TEST_BACKENDS names, else those that need nothing from outside. */
export const selectedBackends = (named?.split(',') ?? ['cpu', 'wasm', 'onednn']) as TestBackend[];

// The engines' own tests use this package, and a machine without a compiler or a GPU has only their TypeScript: they are
// loaded where they are wanted, and are no declared dependencies.

let onednnFailure: string | undefined;

/** Why the tests on an engine are left out; undefined where they run. An engine that was asked for by name has to start. */
export function reasonToSkip(backend: TestBackend): string | undefined {
  if (!selectedBackends.includes(backend)) return 'not in BAG_TEST_BACKENDS';
  if (backend !== 'onednn' || named !== undefined || isRegistered(backend)) return undefined;
  try {
    if (onednnFailure === undefined) load('@bag/tfjs-backend-onednn');
  } catch (error) {
    onednnFailure = (error as Error).message.split('\n')[0] ?? 'unknown';
  }
  return onednnFailure;
}

/** Makes an engine current. */
export async function start(backend: TestBackend): Promise<void> {
  if (!isRegistered(backend) || nameOf(backend) === 'tensorflow') await register(backend);
  if (!(await tf.setBackend(nameOf(backend)))) throw new Error(`the backend ${backend} does not start`);
  await tf.ready();
}

async function register(backend: TestBackend): Promise<void> {
  if (backend === 'onednn') load('@bag/tfjs-backend-onednn');
  if (nameOf(backend) === 'tensorflow') {
    // One process holds one TensorFlow: which one it is, the load says where it is the other.
    const { loadTensorFlow } = load('@bag/tfjs-tensorflow') as { loadTensorFlow: (options: object) => unknown };
    loadTensorFlow({ gpu: backend === 'tensorflow-gpu' });
  }
  if (backend === 'webgpu') {
    useSoftwareVulkan();
    await (load('@bag/tfjs-webgpu/node') as { startWebGpu: () => Promise<unknown> }).startWebGpu();
  }
}

const nameOf = (backend: TestBackend) => (backend === 'tensorflow-gpu' ? 'tensorflow' : backend);
const isRegistered = (backend: TestBackend) => (tf.findBackendFactory(nameOf(backend)) as unknown) != null;
