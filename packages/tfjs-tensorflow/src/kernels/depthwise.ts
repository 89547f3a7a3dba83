import {
  concat,
  pad as padWith,
  type Rank,
  reshape,
  slice,
  stridedSlice,
  type Tensor,
  type Tensor4D,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import type { TensorFlowKernel } from './operation.js';

type Shape4D = [number, number, number, number];

interface Strided {
  strides: number | [number, number];
  pad: 'valid' | 'same' | number;
}

// TensorFlow's depthwise operations want the same stride on both axes. For others they run with stride 1, on all pixels
// of which a strided one meets some.

export function depthwiseConv2d(native: TensorFlowKernel): TensorFlowKernel {
  return (inputs, attributes, backend) => {
    const strides = unequal(attributes);
    if (strides === undefined) return native(inputs, attributes, backend);
    return tidy(() => {
      const all = native(inputs, { ...attributes, strides: [1, 1] }, backend);
      return stridedSlice(all, [0, 0, 0, 0], all.shape, [1, ...strides, 1]);
    });
  };
}

export function depthwiseConv2dBackpropInput(native: TensorFlowKernel): TensorFlowKernel {
  return (inputs, attributes, backend) => {
    const strides = unequal(attributes);
    if (strides === undefined) return native(inputs, attributes, backend);
    const { dy, filter } = inputs as { dy: Tensor4D; filter: Tensor };
    const { inputShape } = attributes as { inputShape: Shape4D };
    return tidy(() => {
      const dense = onAllPixels(dy, strides, inputShape, filter.shape);
      return native({ dy: dense, filter }, { ...attributes, strides: [1, 1] }, backend);
    });
  };
}

export function depthwiseConv2dBackpropFilter(native: TensorFlowKernel): TensorFlowKernel {
  return (inputs, attributes, backend) => {
    const strides = unequal(attributes);
    if (strides === undefined) return native(inputs, attributes, backend);
    const { x, dy } = inputs as { x: Tensor; dy: Tensor4D };
    const { filterShape } = attributes as { filterShape: Shape4D };
    return tidy(() => {
      const dense = onAllPixels(dy, strides, x.shape, filterShape);
      return native({ x, dy: dense }, { ...attributes, strides: [1, 1] }, backend);
    });
  };
}

/** The strides where they differ; undefined where TensorFlow takes them. */
function unequal(attributes: Record<string, unknown>): [number, number] | undefined {
  const { strides, pad } = attributes as unknown as Strided;
  if (!Array.isArray(strides) || strides[0] === strides[1]) return undefined;
  if (pad === 'valid' || pad === 0) return strides;
  throw new Error(
    `tensorflow: depthwise convolutions with strides ${strides.join(' and ')} take no padding; pad the image first`,
  );
}

/** dy with zeros for the pixels that the strides leave out. */
function onAllPixels(dy: Tensor4D, strides: [number, number], input: number[], filter: number[]): Tensor4D {
  const spaced = spread(spread(dy, 1, strides[0]), 2, strides[1]);
  const missing = ([1, 2] as const).map((axis): [number, number] => [
    0,
    (input[axis] as number) - (filter[axis - 1] as number) + 1 - spaced.shape[axis],
  ]);
  return padWith(spaced, [[0, 0], ...missing, [0, 0]]);
}

/** Puts `step − 1` zeros between the entries of one axis. */
function spread(x: Tensor4D, axis: 1 | 2, step: number): Tensor4D {
  if (step === 1) return x;
  const shape: Shape4D = [...x.shape];
  const length = shape[axis];
  const apart = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
  const gaps = apart.map((size, i) => (i === axis + 1 ? step - 1 : size));
  shape[axis] = length * step;
  const spaced = reshape<Rank.R4>(concat([reshape(x, apart), zeros(gaps)], axis + 1), shape);
  shape[axis] -= step - 1;
  return slice(spaced, [0, 0, 0, 0], shape);
}
