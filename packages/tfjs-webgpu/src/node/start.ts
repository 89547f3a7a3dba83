import { findBackendFactory, registerBackend, removeBackend } from '@tensorflow/tfjs-core';
import { PRIORITY } from '../browser.js';
import { type DeviceLimits, infoOf, isSoftware, limitsOf, requestDevice } from '../device.js';
import { TrainingBackend } from '../training-backend.js';
import { requestAdapter } from './adapter.js';
import { loadDawn } from './dawn.js';
import { defineGlobals, withNavigatorGpu } from './globals.js';
import { requireVulkan } from './vulkan.js';

export interface StartWebGpuOptions {
  /** Which of several GPUs. */
  powerPreference?: 'high-performance' | 'low-power';
  /** A part of a GPU's name, where the preference does not decide. A wrong one is answered with the names there are. */
  adapter?: string;
}

/** A GPU that runs as the backend `webgpu`. */
export interface WebGpu {
  /** As the driver has them; empty where it does not tell. */
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** Whether it is no GPU, but a program on the processor: SwiftShader, llvmpipe. Right for tests, slow for training. */
  readonly software: boolean;
  /** In bytes, or counts. A single tensor may have `maxStorageBufferBindingSize` bytes. */
  readonly limits: DeviceLimits;
  /** Removes the backend with all its tensors, and frees the GPU. A second call does nothing. */
  release: () => void;
}

/** On the backend's factory, where every loaded copy of this package finds it. */
const running = Symbol.for('@bag/tfjs-webgpu/running');

type Factory = (() => TrainingBackend) & { [running]?: WebGpu };

let starting: Promise<WebGpu> | undefined;

/**
 * Starts WebGPU in Node and registers it as the backend `webgpu`; where it runs already, that is returned. It does not
 * become the current backend: `tf.setBackend('webgpu')` does that. Needs the package `webgpu`.
 *
 * @throws WebGpuError with the reason and what helps, in one line: `reason; fix`.
 * @example
 * const gpu = await startWebGpu();
 * await tf.setBackend('webgpu');
 * // …
 * gpu.release();
 */
export async function startWebGpu(options: StartWebGpuOptions = {}): Promise<WebGpu> {
  const started = registered()?.[running];
  if (started !== undefined) return started;
  starting ??= start(options).finally(() => (starting = undefined));
  return starting;
}

async function start({ powerPreference = 'high-performance', adapter: name }: StartWebGpuOptions): Promise<WebGpu> {
  const { create, globals } = await loadDawn();
  requireVulkan();
  const gpu = create(name === undefined ? [] : [`adapter=${name}`]);
  const adapter = await requestAdapter(gpu, powerPreference);
  const device = await requestDevice(adapter);
  const removeGlobals = defineGlobals(globals);

  // Called again after a reset of TensorFlow.js' engine: the device stays.
  const factory: Factory = () => withNavigatorGpu(gpu, () => new TrainingBackend(device, infoOf(adapter)));
  const { vendor, architecture, description } = infoOf(adapter);
  let released = false;
  const webGpu: WebGpu = {
    vendor,
    architecture,
    description,
    software: isSoftware(adapter),
    limits: limitsOf(device.limits),
    release() {
      if (released) return;
      released = true;
      if (registered() === factory) removeBackend('webgpu');
      device.destroy();
      removeGlobals();
    },
  };
  factory[running] = webGpu;
  replaceBackend(factory);
  return webGpu;
}

/** The backend's own factory, which wants a browser, is there if something had defined a `navigator.gpu`. */
function replaceBackend(factory: Factory): void {
  if (registered() !== undefined) removeBackend('webgpu');
  registerBackend('webgpu', factory, PRIORITY);
}

const registered = () => (findBackendFactory('webgpu') ?? undefined) as Factory | undefined;
