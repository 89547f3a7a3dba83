import { add, mul, sub, type Tensor, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';

/** λ·a + (1 − λ)·b along the batch axis, for labels `[batch, classes]`. Called inside a tidy. */
export function mixLabels(a: Tensor2D, b: Tensor2D, lambda: number | Float32Array): Tensor2D {
  if (typeof lambda === 'number') return add(mul(a, lambda), mul(b, 1 - lambda));
  const share: Tensor = tensor2d(lambda, [lambda.length, 1]);
  return add(mul(a, share), mul(b, sub(1, share)));
}
