import { avgPool, mul, pad, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';

/**
 * Mean over windows of `size`×`size`, `size` apart; at the end of an odd axis over what there is of a window (torch's
 * `ceil_mode` without `count_include_pad`). Core's `same` pooling has this value, but not its gradient.
 */
export function averagePool(x: Tensor4D, size: number): Tensor4D {
  const [, height, width] = x.shape;
  const [bottom, right] = [height, width].map((n) => (size - (n % size)) % size) as [number, number];
  if (bottom === 0 && right === 0) return avgPool(x, size, size, 'valid');
  const padded = pad(x, [
    [0, 0],
    [0, bottom],
    [0, right],
    [0, 0],
  ]);
  const pooled = avgPool(padded, size, size, 'valid');
  const [, outHeight, outWidth] = pooled.shape;
  const filled = (last: boolean, missing: number) => (last ? size / (size - missing) : 1);
  const correction = Array.from(
    { length: outHeight * outWidth },
    (_, i) => filled(Math.floor(i / outWidth) === outHeight - 1, bottom) * filled(i % outWidth === outWidth - 1, right),
  );
  return mul(pooled, tensor4d(correction, [1, outHeight, outWidth, 1]));
}

/** Every `stride`-th pixel, from the first. */
export function subsample(x: Tensor4D, stride: number): Tensor4D {
  // Pooling over one pixel: a strided slice has no gradient.
  return stride === 1 ? x : avgPool(x, 1, stride, 'valid');
}
