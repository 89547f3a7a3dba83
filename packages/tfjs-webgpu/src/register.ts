import '@tensorflow/tfjs-backend-webgpu';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { getKernel, type KernelConfig, registerKernel, type TensorInfo, unregisterKernel } from '@tensorflow/tfjs-core';
import type { WebGpuKernel } from './kernels/kernel.js';

/** Shared by every loaded copy of this package. */
const mark = Symbol.for('@bag/tfjs-webgpu');

const kernels: Record<string, WebGpuKernel> = {};

/**
 * Registers the training kernels on the webgpu backend, in place of whatever has their names. Importing the package
 * does it; calling it again, or from a second copy of the package, changes nothing.
 * @example
 * import '@bag/tfjs-webgpu'; // does it
 */
export function registerTrainingKernels(): void {
  for (const [name, kernel] of Object.entries(kernels)) replace(name, kernel);
}

function replace(kernelName: string, kernel: WebGpuKernel): void {
  const before = getKernel(kernelName, 'webgpu') as KernelConfig | undefined;
  if (before !== undefined && mark in before.kernelFunc) return;
  const kernelFunc: KernelConfig['kernelFunc'] = ({ inputs, attrs, backend }) =>
    kernel(inputs as Record<string, TensorInfo>, attrs ?? {}, backend as unknown as WebGPUBackend);
  Object.assign(kernelFunc, { [mark]: true });
  if (before !== undefined) unregisterKernel(kernelName, 'webgpu');
  registerKernel({ kernelName, backendName: 'webgpu', kernelFunc });
}
