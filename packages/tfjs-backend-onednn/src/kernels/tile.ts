import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

const Tile = kernelNumber('Tile');

define<{ x: TensorInfo }, { reps: number[] }>('Tile', ({ x }, { reps }, backend) => {
  if (reps.every((times) => times === 1)) return backend.alias(x, x.shape, x.dtype);
  const call = backend.call(Tile);
  call.stored(x);
  const y = call.outputLike(
    x,
    x.shape.map((size, i) => size * (reps[i] as number)),
  );
  call.run();
  return y;
});
