import { engine, env, findBackendFactory, registerBackend, removeBackend } from '@tensorflow/tfjs-core';
import { infoOf, requestDevice } from './device.js';
import { WebGpuError } from './error.js';
import { TrainingBackend } from './training-backend.js';

/** As TensorFlow.js has it: before wasm and cpu. */
export const PRIORITY = 3;

const noAdapter = () =>
  new WebGpuError(
    'this browser has WebGPU, but finds no GPU for it',
    'turn hardware acceleration on in its settings, or update the driver; its page about GPUs (chrome://gpu) says more',
  );

/**
 * Why WebGPU cannot start in this browser, and what helps, in one line: `reason; fix`. Undefined where it can.
 * @example
 * const reason = await whyNoWebGpu();
 * await tf.setBackend(reason === undefined ? 'webgpu' : 'wasm');
 */
export async function whyNoWebGpu(): Promise<string | undefined> {
  try {
    await requestAdapter();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Puts this package's engine in the place of the backend's own, where there is a browser's WebGPU, unless that has
 * started already.
 */
export function registerInBrowser(): void {
  if (gpuOfBrowser() === undefined || 'webgpu' in engine().registry) return;
  if ((findBackendFactory('webgpu') as unknown) != null) removeBackend('webgpu');
  registerBackend('webgpu', startInBrowser, PRIORITY);
}

async function startInBrowser(): Promise<TrainingBackend> {
  const adapter = await requestAdapter();
  const device = await requestDevice(adapter);
  return new TrainingBackend(device, infoOf(adapter));
}

async function requestAdapter(): Promise<GPUAdapter> {
  const gpu = gpuOfBrowser();
  if (gpu === undefined) throw whyNoGpu();
  const powerPreference = env().getBool('WEBGPU_USE_LOW_POWER_GPU') ? 'low-power' : 'high-performance';
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (adapter === null) throw noAdapter();
  return adapter;
}

function whyNoGpu(): WebGpuError {
  if (!env().getBool('IS_BROWSER')) {
    return new WebGpuError('this is no browser', 'in Node, call startWebGpu of @bag/tfjs-webgpu/node');
  }
  return globalThis.isSecureContext
    ? new WebGpuError('this browser has no WebGPU', 'use a newer one: Chrome or Edge 121, Safari 26, Firefox 141')
    : new WebGpuError('this page is not secure, so the browser hides WebGPU', 'serve it over https, or from localhost');
}

const gpuOfBrowser = (): GPU | undefined =>
  typeof navigator === 'undefined' ? undefined : (navigator as { gpu?: GPU }).gpu;
