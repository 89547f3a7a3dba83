import { Exp, Max, RealDiv, Sub, Sum } from '@tensorflow/tfjs-core';
import { call, input, release, type WebGpuKernel } from './kernel.js';

/** `Softmax`: exp(z − max z) / Σ exp(z − max z). The backend's own loses a NaN among the logits. */
export const softmax: WebGpuKernel = (inputs, attributes, backend) => {
  const x = input(inputs, 'logits');
  const axis = [attributes['dim'] as number];
  const largest = call(Max, { x }, { reductionIndices: axis, keepDims: true }, backend);
  const shifted = call(Sub, { a: x, b: largest }, {}, backend);
  const powers = call(Exp, { x: shifted }, {}, backend);
  const sums = call(Sum, { x: powers }, { axis, keepDims: true }, backend);
  const result = call(RealDiv, { a: powers, b: sums }, {}, backend);
  release(backend, largest, shifted, powers, sums);
  return result;
};
