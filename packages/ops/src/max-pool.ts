import {
  engine,
  maxPool as coreMaxPool,
  type NamedTensorMap,
  pad as corePad,
  slice,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { Padding } from './windows.js';
import { mayRelease, registerGradientOnce, runKernel } from './kernel.js';

export interface MaxPoolOptions {
  /** Height and width of a window, in pixels. */
  size: number;
  /** Step between windows. */
  strides: number;
  /** Pixels around the image on all four sides, which never are the maximum; less than `size`. */
  padding?: number;
}

/** The attributes of the `BagMaxPool` kernels. */
export interface MaxPoolAttributes {
  filterSize: [number, number];
  strides: [number, number];
  pad: Padding;
}

/**
 * The largest value of each window, with symmetric padding of any size: y[b,i,j,c] = max x[b, i·s + u − p, j·s + v − p, c]
 * over 0 ≤ u, v < `size` inside of the image, s = `strides`, p = `padding`. As `torch.nn.functional.max_pool2d`, in NHWC.
 *
 * @param x `[batch, height, width, channels]`, float32.
 * @returns `[batch, outHeight, outWidth, channels]`, owned by the caller; outHeight = ⌊(height + 2p − size)/s⌋ + 1. The
 * gradient goes to the first maximum of a window.
 * @throws RangeError for sizes that are none, or a padding that leaves windows without a pixel.
 * @example
 * const y = maxPool(tf.ones([1, 4, 4, 1]), { size: 3, strides: 2, padding: 1 });
 * y.shape; // → [1, 2, 2, 1]
 */
export function maxPool(x: Tensor4D, { size, strides, padding = 0 }: MaxPoolOptions): Tensor4D {
  if (x.rank !== 4) {
    throw new Error(`maxPool: expected x of shape [batch, height, width, channels], got [${x.shape.join(', ')}]`);
  }
  for (const [name, value] of Object.entries({ size, strides })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`maxPool: expected a whole number ≥ 1 for ${name}, got ${value}`);
    }
  }
  if (!Number.isInteger(padding) || padding < 0 || padding >= size) {
    throw new RangeError(`maxPool: expected padding of 0 to ${size - 1}, less than the size, got ${padding}`);
  }
  if (Math.min(x.shape[1], x.shape[2]) + 2 * padding < size) {
    throw new RangeError(`maxPool: a window of ${size} does not fit into [${x.shape.join(', ')}] padded by ${padding}`);
  }
  const sides: [number, number] = [padding, padding];
  const attributes: MaxPoolAttributes = { filterSize: [size, size], strides: [strides, strides], pad: [sides, sides] };
  return runKernel('BagMaxPool', { x }, attributes, composeForward) as Tensor4D;
}

registerGradientOnce({
  kernelName: 'BagMaxPool',
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc: (dy, saved, attrs) => {
    const [x, y] = saved as [Tensor4D, Tensor4D];
    const gradient = dy as Tensor4D;
    const release = mayRelease(gradient);
    return {
      x: () => {
        const dx = runKernel('BagMaxPoolGrad', { dy: gradient, x, y }, attrs, composeBackward) as Tensor4D;
        if (release) for (const tensor of [gradient, x, y]) tensor.dispose();
        return dx;
      },
    };
  },
});

/** Engines differ in the padding that their pools take; all take none. */
function padded(x: Tensor4D, { pad: [rows, columns] }: MaxPoolAttributes): Tensor4D {
  if ([...rows, ...columns].every((n) => n === 0)) return x;
  return corePad(x, [[0, 0], rows, columns, [0, 0]], -Infinity);
}

function composeForward({ x }: NamedTensorMap, attrs: unknown): Tensor {
  const attributes = attrs as MaxPoolAttributes;
  return coreMaxPool(padded(x as Tensor4D, attributes), attributes.filterSize, attributes.strides, 'valid');
}

function composeBackward({ dy, x, y }: NamedTensorMap, attrs: unknown): Tensor {
  const attributes = attrs as MaxPoolAttributes;
  const { filterSize, strides, pad } = attributes;
  const input = padded(x as Tensor4D, attributes);
  const dx = engine().runKernel<Tensor4D>(
    'MaxPoolGrad',
    { dy: dy as Tensor, input, output: y as Tensor },
    { filterSize, strides, pad: 'valid', dimRoundingMode: undefined as never },
  );
  return input === x ? dx : slice(dx, [0, pad[0][0], pad[1][0], 0], (x as Tensor4D).shape);
}
