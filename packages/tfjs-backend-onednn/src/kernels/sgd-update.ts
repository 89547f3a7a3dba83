import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

const SgdUpdate = kernelNumber('SgdUpdate');
const AllFinite = kernelNumber('AllFinite');

export interface SgdAttributes {
  rate: number;
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
  gradientScale: number;
}

define<Record<'parameter' | 'gradient' | 'velocity', TensorInfo>, SgdAttributes>(
  'BagSgdUpdate',
  ({ parameter, gradient, velocity }, { rate, momentum, nesterov, weightDecay, gradientScale }, backend) => {
    const call = backend.call(SgdUpdate);
    call.tensor(parameter);
    call.tensor(gradient);
    call.tensor(velocity);
    const next = call.output(parameter.shape);
    const nextVelocity = call.output(parameter.shape);
    const half = backend.usedHalfOf(parameter.dataId);
    call.flag(half !== undefined);
    const copy = half && call.storedOutput(parameter.shape, half);
    for (const value of [rate, momentum, weightDecay, gradientScale]) call.number(value);
    call.flag(nesterov);
    call.run();
    if (copy !== undefined) backend.keepHalf(next.dataId, copy.dataId);
    return [next, nextVelocity];
  },
);

define<Record<string, TensorInfo>>('BagAllFinite', (tensors, _, backend) => {
  const list = Object.values(tensors);
  const call = backend.call(AllFinite);
  const result = call.output([]);
  call.number(list.length);
  for (const tensor of list) call.tensor(tensor);
  call.run();
  return result;
});
