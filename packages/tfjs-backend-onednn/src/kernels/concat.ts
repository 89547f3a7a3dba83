import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';
import { storedAlike } from '../precision.js';
import type { NumericDType } from '../storage.js';

const Concat = kernelNumber('Concat');
const Split = kernelNumber('Split');

/** As many as there is room for in a call's arguments; more go to tfjs-backend-cpu. */
const mostParts = 2048;

/** Joins tensors of one dtype and rank, of which each is a matrix [rows, …] in memory, side by side. */
function join(parts: readonly TensorInfo[], rows: number, shape: number[], backend: OnednnBackend): TensorInfo {
  const call = backend.call(Concat);
  const dtype = (parts[0] as TensorInfo).dtype as NumericDType;
  const half = storedAlike(backend, ...parts);
  const y = call.storedOutput(shape, half, dtype, [rows, width(shape, rows)]);
  call.number(parts.length);
  for (const part of parts) call.operand(part, half, [rows, width(part.shape, rows)]);
  call.run();
  return y;
}

/** Cuts x into tensors of these shapes, which lie in it as `join` would put them. */
function split(x: TensorInfo, rows: number, shapes: readonly number[][], backend: OnednnBackend): TensorInfo[] {
  const call = backend.call(Split);
  call.stored(x, [rows, width(x.shape, rows)]);
  call.number(shapes.length);
  const parts = shapes.map((shape) => call.outputLike(x, shape, [rows, width(shape, rows)]));
  call.run();
  return parts;
}

function width(shape: readonly number[], rows: number): number {
  return rows === 0 ? 0 : util.sizeFromShape(shape as number[]) / rows;
}

function rowsBefore(shape: readonly number[], axis: number): number {
  return util.sizeFromShape(shape.slice(0, axis));
}

/** Kernels whose inputs are a list. */
type List = TensorInfo[];

function sameType(list: List): boolean {
  return list.length <= mostParts && list.every(({ dtype }) => dtype === (list[0] as TensorInfo).dtype);
}

define<List, { axis: number }>(
  'Concat',
  (list, { axis: given }, backend) => {
    const axis = util.parseAxisParam(given, (list[0] as TensorInfo).shape)[0] as number;
    const shapes = list.map(({ shape }) => shape);
    backend_util.assertParamsConsistent(shapes, axis);
    const shape = backend_util.computeOutShape(shapes, axis);
    const parts = list.filter((part) => !part.shape.includes(0));
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return backend.alias(only, shape, only.dtype);
    return join(parts.length === 0 ? list : parts, rowsBefore(shape, axis), shape, backend);
  },
  { takes: sameType },
);

define<List, { axis: number }>(
  'Pack',
  (list, { axis: given }, backend) => {
    const first = list[0] as TensorInfo;
    const axis = given < 0 ? given + first.shape.length + 1 : given;
    for (const { shape, dtype } of list) {
      util.assertShapesMatch(first.shape, shape, 'All tensors passed to stack must have matching shapes');
      util.assert(first.dtype === dtype, () => 'All tensors passed to stack must have matching dtypes');
    }
    const shape = [...first.shape.slice(0, axis), list.length, ...first.shape.slice(axis)];
    if (list.length === 1) return backend.alias(first, shape, first.dtype);
    return join(list, rowsBefore(shape, axis), shape, backend);
  },
  { takes: (list) => list.length <= mostParts },
);

define<{ value: TensorInfo }, { axis: number }>(
  'Unpack',
  ({ value }, { axis: given }, backend) => {
    const axis = given < 0 ? given + value.shape.length : given;
    const shape = value.shape.filter((_, i) => i !== axis);
    const count = value.shape[axis] as number;
    if (count === 1) return [backend.alias(value, shape, value.dtype)];
    return split(value, rowsBefore(value.shape, axis), Array<number[]>(count).fill(shape), backend);
  },
  { takes: ({ value: { shape } }, { axis }) => (shape.at(axis) as number) <= mostParts },
);

define<{ x: TensorInfo }, { numOrSizeSplits: number | number[]; axis: number }>(
  'SplitV',
  ({ x }, { numOrSizeSplits, axis: given }, backend) => {
    const axis = util.parseAxisParam(given, x.shape)[0] as number;
    const sizes = backend_util.prepareSplitSize(x, numOrSizeSplits, axis);
    if (sizes.length === 1) return [backend.alias(x, x.shape, x.dtype)];
    const shapes = sizes.map((size) => x.shape.map((own, i) => (i === axis ? size : own)));
    return split(x, rowsBefore(x.shape, axis), shapes, backend);
  },
  {
    takes: (_, { numOrSizeSplits: sizes }) => (typeof sizes === 'number' ? sizes : sizes.length) <= mostParts,
  },
);
