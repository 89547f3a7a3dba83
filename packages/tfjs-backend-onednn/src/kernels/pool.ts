import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { type Call, kernelNumber } from '../call.js';
import { define } from '../define.js';
import { storedAlike } from '../precision.js';
import type { NumericDType } from '../storage.js';

type Shape4D = [number, number, number, number];
type Pair = [number, number];

interface Attributes {
  filterSize: Pair | number;
  strides: Pair | number;
  pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

interface Input {
  x: TensorInfo;
}

const MaxPool = kernelNumber('MaxPool');
const MaxPoolGrad = kernelNumber('MaxPoolGrad');
const MaxPoolWithArgmax = kernelNumber('MaxPoolWithArgmax');
const AvgPool = kernelNumber('AvgPool');
const AvgPoolGrad = kernelNumber('AvgPoolGrad');
const GlobalAveragePoolGrad = kernelNumber('GlobalAveragePoolGrad');

function geometry(
  xShape: number[],
  { filterSize, strides, pad, dimRoundingMode }: Attributes,
): backend_util.Conv2DInfo {
  return backend_util.computePool2DInfo(xShape as Shape4D, filterSize, strides, 1, pad, dimRoundingMode);
}

function pushWindows(call: Call, info: backend_util.Conv2DInfo): void {
  call.number(info.filterHeight);
  call.number(info.strideHeight);
  call.number(info.padInfo.top);
  call.number(info.filterWidth);
  call.number(info.strideWidth);
  call.number(info.padInfo.left);
}

/** How many rows and columns around the image count, beside its own, in a mean: top, bottom, left, right. */
type Counted = [number, number, number, number];

const imageOnly: Counted = [0, 0, 0, 0];

function pool(
  kernel: number,
  x: TensorInfo,
  attributes: Attributes,
  backend: OnednnBackend,
  counted: Counted | [] = [],
): TensorInfo {
  const info = geometry(x.shape, attributes);
  if (info.filterHeight === 1 && info.filterWidth === 1 && util.arraysEqual(info.inShape, info.outShape)) {
    return backend.alias(x, x.shape, x.dtype);
  }
  const call = backend.call(kernel);
  const half = storedAlike(backend, x);
  call.operand(x, half);
  const y = call.storedOutput(info.outShape, half, x.dtype as NumericDType);
  pushWindows(call, info);
  for (const number of counted) call.number(number);
  call.run();
  return y;
}

function averagePoolGradient(
  dy: TensorInfo,
  x: TensorInfo,
  attributes: Attributes,
  counted: Counted,
  backend: OnednnBackend,
): TensorInfo {
  const call = backend.call(AvgPoolGrad);
  const half = storedAlike(backend, dy);
  call.operand(dy, half);
  const dx = call.storedOutput(x.shape, half);
  pushWindows(call, geometry(x.shape, attributes));
  for (const number of counted) call.number(number);
  call.run();
  return dx;
}

function maxPoolGradient(dy: TensorInfo, x: TensorInfo, attributes: Attributes, backend: OnednnBackend): TensorInfo {
  const call = backend.call(MaxPoolGrad);
  const half = storedAlike(backend, dy, x);
  call.operand(dy, half);
  call.operand(x, half);
  const dx = call.storedOutput(x.shape, half);
  pushWindows(call, geometry(x.shape, attributes));
  call.run();
  return dx;
}

const areFloats = (inputs: object): boolean =>
  Object.values(inputs as Record<string, TensorInfo>).every(({ dtype }) => dtype === 'float32');

define<Input, Attributes>('MaxPool', ({ x }, attributes, backend) => pool(MaxPool, x, attributes, backend));

define<Input, Attributes>('AvgPool', ({ x }, attributes, backend) => pool(AvgPool, x, attributes, backend, imageOnly), {
  takes: areFloats,
});

define<Input, Attributes & { includeBatchInIndex: boolean }>(
  'MaxPoolWithArgmax',
  ({ x }, { includeBatchInIndex, ...attributes }, backend) => {
    const info = geometry(x.shape, attributes);
    const call = backend.call(MaxPoolWithArgmax);
    const half = storedAlike(backend, x);
    call.operand(x, half);
    const outputs = [call.storedOutput(info.outShape, half), call.output(info.outShape, 'int32')];
    pushWindows(call, info);
    call.flag(includeBatchInIndex);
    call.run();
    return outputs;
  },
  { takes: areFloats },
);

// TensorFlow.js forgets the rounding mode on the way back: the windows are as many as the gradient has.
define<{ dy: TensorInfo; input: TensorInfo; output: TensorInfo }, Attributes>(
  'MaxPoolGrad',
  ({ dy, input }, attributes, backend) => maxPoolGradient(dy, input, attributes, backend),
  { takes: areFloats },
);

define<{ dy: TensorInfo; input: TensorInfo }, Attributes>(
  'AvgPoolGrad',
  ({ dy, input }, attributes, backend) => {
    // TensorFlow.js divides by the size of a whole window.
    const { filterHeight: h, filterWidth: w } = geometry(input.shape, attributes);
    return averagePoolGradient(dy, input, attributes, [h, h, w, w], backend);
  },
  { takes: areFloats },
);

/** Of `@bag/ops`: padding by sides, and as many windows as fit. */
interface BagAttributes {
  filterSize: Pair;
  strides: Pair;
  pad: [Pair, Pair];
}

const explicit = ({ filterSize, strides, pad: [rows, columns] }: BagAttributes): Attributes => ({
  filterSize,
  strides,
  pad: [[0, 0], rows, columns, [0, 0]],
  dimRoundingMode: 'floor',
});

define<Input, BagAttributes>('BagMaxPool', ({ x }, attributes, backend) =>
  pool(MaxPool, x, explicit(attributes), backend),
);

define<{ dy: TensorInfo; x: TensorInfo }, BagAttributes>('BagMaxPoolGrad', ({ dy, x }, attributes, backend) =>
  maxPoolGradient(dy, x, explicit(attributes), backend),
);

interface AverageAttributes extends BagAttributes {
  outSize: Pair;
  countPadding: boolean;
}

/** Windows as many as `outSize` has, by padding as far as the last ones reach. */
function reaching(x: TensorInfo, { outSize, ...attributes }: AverageAttributes): Attributes {
  const { filterSize, strides, pad } = attributes;
  const sides = ([0, 1] as const).map((axis): Pair => {
    const end = (outSize[axis] - 1) * strides[axis] + filterSize[axis];
    return [pad[axis][0], Math.max(0, end - pad[axis][0] - (x.shape[axis + 1] as number))];
  }) as [Pair, Pair];
  return explicit({ ...attributes, pad: sides });
}

const countedOf = ({ pad, countPadding }: AverageAttributes): Counted =>
  countPadding ? [...pad[0], ...pad[1]] : imageOnly;

define<Input, AverageAttributes>('BagAveragePool', ({ x }, attributes, backend) =>
  pool(AvgPool, x, reaching(x, attributes), backend, countedOf(attributes)),
);

define<{ dy: TensorInfo; x: TensorInfo }, AverageAttributes>('BagAveragePoolGrad', ({ dy, x }, attributes, backend) =>
  averagePoolGradient(dy, x, reaching(x, attributes), countedOf(attributes), backend),
);

define<{ dy: TensorInfo; x: TensorInfo }>('BagGlobalAveragePoolGrad', ({ dy, x }, _, backend) => {
  const call = backend.call(GlobalAveragePoolGrad);
  call.tensor(dy);
  const dx = call.storedOutput(x.shape, backend.resultFormat);
  call.run();
  return dx;
});
