import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

const Transpose = kernelNumber('Transpose');

/** Axis i of the result is axis perm[i] of x. */
export function transpose(x: TensorInfo, perm: readonly number[], backend: OnednnBackend): TensorInfo {
  const shape = perm.map((axis) => x.shape[axis] as number);
  if (keepsOrder(x.shape, perm)) return backend.alias(x, shape, x.dtype);
  const call = backend.call(Transpose);
  call.stored(x);
  const y = call.outputLike(x, shape);
  call.numbers(perm);
  call.run();
  return y;
}

/** Whether only axes of size 1 move. */
function keepsOrder(shape: readonly number[], perm: readonly number[]): boolean {
  let last = -1;
  for (const axis of perm) {
    if (shape[axis] === 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

define<{ x: TensorInfo }, { perm: number[] }>('Transpose', ({ x }, { perm }, backend) => transpose(x, perm, backend));
