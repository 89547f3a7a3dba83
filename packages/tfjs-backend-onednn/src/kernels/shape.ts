import type { TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import { define } from '../define.js';

interface Input {
  x: TensorInfo;
}

define<Input>('Identity', ({ x }, _, backend) => backend.alias(x, x.shape, x.dtype));

define<Input, { shape: number[] }>('Reshape', ({ x }, { shape }, backend) => {
  const size = util.sizeFromShape(x.shape);
  const result = util.inferFromImplicitShape(shape, size);
  if (util.sizeFromShape(result) !== size) {
    throw new Error(
      `The new shape (${result.join()}) has ${util.sizeFromShape(result)} elements and the old shape (${x.shape.join()}) has ${size} elements. The new shape and old shape must have the same number of elements.`,
    );
  }
  return backend.alias(x, result, x.dtype);
});

define<{ input: TensorInfo }, { dim: number }>('ExpandDims', ({ input }, { dim }, backend) => {
  const rank = input.shape.length;
  util.assert(-(rank + 1) <= dim && dim <= rank, () => `Axis must be in the interval [${-(rank + 1)}, ${rank}]`);
  const axis = dim < 0 ? rank + dim + 1 : dim;
  return backend.alias(input, [...input.shape.slice(0, axis), 1, ...input.shape.slice(axis)], input.dtype);
});
