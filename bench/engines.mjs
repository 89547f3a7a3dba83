// Starts an engine by its name, as the command line calls it.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { threads } from './machine.mjs';

const register = {
  onednn: () => import('@bag/tfjs-backend-onednn').then(() => ({})),
  tensorflow: () => tensorflow(false),
  'tensorflow-gpu': () => tensorflow(true),
  wasm: async () => {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(join(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')), '/'));
    await import('@bag/tfjs-wasm-training');
    return {};
  },
  webgpu: async () => {
    const { startWebGpu } = await import('@bag/tfjs-webgpu/node');
    const { description, release } = await startWebGpu();
    return { about: description, release };
  },
  cpu: () => ({}),
};

async function tensorflow(gpu) {
  const { loadTensorFlow } = await import('@bag/tfjs-tensorflow');
  return { about: `TensorFlow ${loadTensorFlow({ gpu, threads }).tensorflowVersion}` };
}

/**
 * Makes an engine current.
 * @returns {Promise<{about?: string, release?: () => unknown}>} What it is in words, and what lets the process end.
 */
export async function start(name) {
  const started = await register[name]();
  if (!(await tf.setBackend(name === 'tensorflow-gpu' ? 'tensorflow' : name)))
    throw new Error(`${name} does not start`);
  await tf.ready();
  return started;
}
