import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebGpuKernel } from './kernel.js';
import { release } from './kernel.js';

/**
 * `AddN` of any number of tensors. The backend's own binds all of them to one program: more than a GPU binds (8 to 12)
 * fail, and leave garbage.
 */
export const addN =
  (native: WebGpuKernel): WebGpuKernel =>
  (inputs, attributes, backend) => {
    const atOnce = backend.device.limits.maxStorageBuffersPerShaderStage - 1; // one is the output
    const sum = (tensors: TensorInfo[]) =>
      native(tensors as unknown as Record<string, TensorInfo>, attributes, backend) as TensorInfo;
    const tensors = Object.values(inputs);
    let total = sum(tensors.slice(0, atOnce));
    for (let at = atOnce; at < tensors.length; at += atOnce - 1) {
      const next = sum([total, ...tensors.slice(at, at + atOnce - 1)]);
      release(backend, total);
      total = next;
    }
    return total;
  };
