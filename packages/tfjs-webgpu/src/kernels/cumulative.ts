import { Reverse } from '@tensorflow/tfjs-core';
import { call, input, release, type WebGpuKernel } from './kernel.js';

/**
 * `Cumsum` and `Cumprod` from the end, as the gradients of both need them: those of the reversed tensor, reversed. The
 * backend's own has the length in its code, but takes code that it has compiled for another length.
 */
export const cumulative =
  (native: WebGpuKernel): WebGpuKernel =>
  (inputs, attributes, backend) => {
    if (attributes['reverse'] !== true) return native(inputs, attributes, backend);
    const x = input(inputs, 'x');
    const dims = [attributes['axis'] as number];
    const reversed = call(Reverse, { x }, { dims }, backend);
    const sums = native({ x: reversed }, { ...attributes, reverse: false }, backend);
    if (Array.isArray(sums)) throw new Error('webgpu kernel: one result was expected');
    const result = call(Reverse, { x: sums }, { dims }, backend);
    release(backend, reversed, sums);
    return result;
  };
