import { slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

const Slice = kernelNumber('Slice');
const Diag = kernelNumber('Diag');

/** The elements of x at begin + i·step for i below `size`, in each axis. */
function walk(
  x: TensorInfo,
  begin: readonly number[],
  size: number[],
  step: readonly number[],
  backend: OnednnBackend,
): TensorInfo {
  const call = backend.call(Slice);
  call.stored(x);
  const y = call.outputLike(x, size);
  call.numbers(begin);
  call.numbers(step);
  call.run();
  return y;
}

/** A box of x; x itself under another name if it is all of it. */
export function slice(x: TensorInfo, begin: readonly number[], size: number[], backend: OnednnBackend): TensorInfo {
  if (util.arraysEqual(size, x.shape)) return backend.alias(x, size, x.dtype);
  return walk(x, begin, size, Array<number>(size.length).fill(1), backend);
}

interface Input {
  x: TensorInfo;
}

define<Input, { begin: number | number[]; size: number | number[] }>('Slice', ({ x }, { begin, size }, backend) => {
  const [from, extent] = slice_util.parseSliceParams(x, begin, size) as [number[], number[]];
  slice_util.assertParamsValid(x, from, extent);
  return slice(x, from, extent, backend);
});

interface StridedAttributes {
  begin: number[];
  end: number[];
  strides: number[];
  beginMask: number;
  endMask: number;
  ellipsisMask: number;
  newAxisMask: number;
  shrinkAxisMask: number;
}

define<Input, StridedAttributes>('StridedSlice', ({ x }, attributes, backend) => {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attributes;
  const info = slice_util.sliceInfo(
    x.shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  if (info.isIdentity) return backend.alias(x, info.finalShape, x.dtype);
  const size = info.begin.map((from, i) =>
    Math.max(0, Math.ceil(((info.end[i] as number) - from) / (info.strides[i] as number))),
  );
  const y = walk(x, info.begin, size, info.strides, backend);
  return { ...y, shape: info.finalShape };
});

/** x with some of its axes backwards. */
function reverse(x: TensorInfo, axes: readonly number[], backend: OnednnBackend): TensorInfo {
  if (axes.every((axis) => x.shape[axis] === 1)) return backend.alias(x, x.shape, x.dtype);
  const begin = Array<number>(x.shape.length).fill(0);
  const step = Array<number>(x.shape.length).fill(1);
  for (const axis of axes) {
    begin[axis] = (x.shape[axis] as number) - 1;
    step[axis] = -1;
  }
  return walk(x, begin, x.shape, step, backend);
}

define<Input, { dims: number | number[] }>('Reverse', ({ x }, { dims }, backend) =>
  reverse(x, x.shape.length === 0 ? [] : util.parseAxisParam(dims, x.shape), backend),
);

define<{ image: TensorInfo }>('FlipLeftRight', ({ image }, _, backend) => reverse(image, [2], backend));

define<Input>('Diag', ({ x }, _, backend) => {
  const size = util.sizeFromShape(x.shape);
  const call = backend.call(Diag);
  call.stored(x);
  const y = call.outputLike(x, [...x.shape, ...x.shape], [size, size]);
  call.run();
  return y;
});
