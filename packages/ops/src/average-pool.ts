import {
  avgPool as coreAvgPool,
  engine,
  mul,
  type NamedTensorMap,
  pad as corePad,
  slice,
  type Tensor,
  type Tensor4D,
  tensor4d,
} from '@tensorflow/tfjs-core';
import { mayRelease, registerGradientOnce, runKernel } from './kernel.js';
import type { Padding } from './windows.js';

export interface AveragePoolOptions {
  /** Height and width of a window, in pixels. */
  size: number;
  /** Step between windows. */
  strides: number;
  /** Zeros around the image on all four sides; at most half of `size`. */
  padding?: number;
  /** Whether a last window that is not all inside of the padded image counts; one that starts in the padding never does. */
  ceil?: boolean;
  /** Whether the mean is over the padding's zeros too. What lies beyond it never counts. */
  countPadding?: boolean;
}

/** The attributes of the `BagAveragePool` kernels. */
export interface AveragePoolAttributes {
  filterSize: [number, number];
  strides: [number, number];
  pad: Padding;
  /** Height and width of the output, by which a last window may reach beyond the padding. */
  outSize: [number, number];
  countPadding: boolean;
}

/**
 * The mean of each window: y[b,i,j,c] = Σ x[b, i·s + u − p, j·s + v − p, c] / n over 0 ≤ u, v < `size`, s = `strides`,
 * p = `padding`; n are the window's pixels inside of the image, with `countPadding` inside of the padded image. As
 * `torch.nn.functional.avg_pool2d` with `ceil_mode` and `count_include_pad`, in NHWC. TensorFlow.js' own pool never counts
 * padding, and its gradient always does.
 *
 * @param x `[batch, height, width, channels]`, float32.
 * @returns `[batch, outHeight, outWidth, channels]`, owned by the caller; outHeight = ⌊(height + 2p − size)/s⌋ + 1, or
 * ⌈…⌉ + 1 with `ceil`.
 * @throws RangeError for sizes that are none, a padding that leaves windows without a pixel, or windows that do not fit.
 * @example
 * const y = averagePool(tf.ones([1, 5, 5, 1]), { size: 2, strides: 2, ceil: true, countPadding: false });
 * y.shape; // → [1, 3, 3, 1]
 */
export function averagePool(
  x: Tensor4D,
  { size, strides, padding = 0, ceil = false, countPadding = true }: AveragePoolOptions,
): Tensor4D {
  if (x.rank !== 4) {
    throw new Error(`averagePool: expected x of shape [batch, height, width, channels], got [${x.shape.join(', ')}]`);
  }
  for (const [name, value] of Object.entries({ size, strides })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`averagePool: expected a whole number ≥ 1 for ${name}, got ${value}`);
    }
  }
  if (!Number.isInteger(padding) || padding < 0 || padding > size / 2) {
    throw new RangeError(
      `averagePool: expected padding of 0 to ${Math.floor(size / 2)}, half the size, got ${padding}`,
    );
  }
  const count = (length: number) => {
    const most = (ceil ? Math.ceil : Math.floor)((length + 2 * padding - size) / strides) + 1;
    return (most - 1) * strides >= length + padding ? most - 1 : most;
  };
  const outSize: [number, number] = [count(x.shape[1]), count(x.shape[2])];
  if (Math.min(...outSize) < 1) {
    throw new RangeError(
      `averagePool: a window of ${size} does not fit into [${x.shape.join(', ')}] padded by ${padding}; a smaller size would, or ceil`,
    );
  }
  const sides: [number, number] = [padding, padding];
  const attributes: AveragePoolAttributes = {
    filterSize: [size, size],
    strides: [strides, strides],
    pad: [sides, sides],
    outSize,
    countPadding,
  };
  return runKernel('BagAveragePool', { x }, attributes, composeForward) as Tensor4D;
}

registerGradientOnce({
  kernelName: 'BagAveragePool',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => {
    const [x] = saved as [Tensor4D];
    const gradient = dy as Tensor4D;
    const release = mayRelease(gradient);
    return {
      x: () => {
        const dx = runKernel('BagAveragePoolGrad', { dy: gradient, x }, attrs, composeBackward) as Tensor4D;
        if (release) for (const tensor of [gradient, x]) tensor.dispose();
        return dx;
      },
    };
  },
});

// By core's pool of an image that is padded so that all windows are whole: core divides all by their size. That is put
// right for those windows of which less counts.

function composeForward({ x }: NamedTensorMap, attrs: unknown): Tensor {
  const attributes = attrs as AveragePoolAttributes;
  const image = x as Tensor4D;
  const means = coreAvgPool(padded(image, attributes), attributes.filterSize, attributes.strides, 'valid');
  return corrected(means, image.shape, attributes);
}

function composeBackward({ dy, x }: NamedTensorMap, attrs: unknown): Tensor {
  const attributes = attrs as AveragePoolAttributes;
  const { filterSize, strides, pad } = attributes;
  const image = x as Tensor4D;
  const input = padded(image, attributes);
  const dx = engine().runKernel<Tensor4D>(
    'AvgPoolGrad',
    { dy: corrected(dy as Tensor4D, image.shape, attributes), input },
    { filterSize, strides, pad: 'valid', dimRoundingMode: undefined as never },
  );
  return input === image ? dx : slice(dx, [0, pad[0][0], pad[1][0], 0], image.shape);
}

function padded(x: Tensor4D, { filterSize, strides, pad, outSize }: AveragePoolAttributes): Tensor4D {
  const sides = ([0, 1] as const).map((axis): [number, number] => {
    const before = pad[axis][0];
    const end = (outSize[axis] - 1) * strides[axis] + filterSize[axis];
    return [before, Math.max(0, end - before - (x.shape[axis + 1] as number))];
  });
  return sides.flat().every((n) => n === 0) ? x : corePad(x, [[0, 0], ...sides, [0, 0]]);
}

/** Values per window, times size/n. */
function corrected(values: Tensor4D, shape: Tensor4D['shape'], attributes: AveragePoolAttributes): Tensor4D {
  const [rows, columns] = ([0, 1] as const).map((axis) => factors(shape[axis + 1] as number, axis, attributes)) as [
    number[],
    number[],
  ];
  if ([...rows, ...columns].every((factor) => factor === 1)) return values;
  const all = rows.flatMap((row) => columns.map((column) => row * column));
  return mul(values, tensor4d(all, [1, rows.length, columns.length, 1]));
}

/** A window's size over what counts of it, along an axis of `length` pixels. */
function factors(length: number, axis: 0 | 1, attributes: AveragePoolAttributes): number[] {
  const { filterSize, strides, pad, outSize, countPadding } = attributes;
  const [before, after] = countPadding ? pad[axis] : [0, 0];
  const size = filterSize[axis];
  return Array.from({ length: outSize[axis] }, (_, i) => {
    const start = i * strides[axis] - pad[axis][0];
    return size / (Math.min(start + size, length + after) - Math.max(start, -before));
  });
}
