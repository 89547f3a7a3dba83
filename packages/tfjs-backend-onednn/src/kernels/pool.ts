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

function pool(kernel: number, x: TensorInfo, attributes: Attributes, backend: OnednnBackend): TensorInfo {
  const info = geometry(x.shape, attributes);
  if (info.filterHeight === 1 && info.filterWidth === 1 && util.arraysEqual(info.inShape, info.outShape)) {
    return backend.alias(x, x.shape, x.dtype);
  }
  const call = backend.call(kernel);
  const half = storedAlike(backend, x);
  call.operand(x, half);
  const y = call.storedOutput(info.outShape, half, x.dtype as NumericDType);
  pushWindows(call, info);
  call.run();
  return y;
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

define<Input, Attributes>('AvgPool', ({ x }, attributes, backend) => pool(AvgPool, x, attributes, backend), {
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
    const call = backend.call(AvgPoolGrad);
    const half = storedAlike(backend, dy);
    call.operand(dy, half);
    const dx = call.storedOutput(input.shape, half);
    pushWindows(call, geometry(input.shape, attributes));
    call.run();
    return dx;
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

define<{ dy: TensorInfo; x: TensorInfo }>('BagGlobalAveragePoolGrad', ({ dy, x }, _, backend) => {
  const call = backend.call(GlobalAveragePoolGrad);
  call.tensor(dy);
  const dx = call.storedOutput(x.shape, backend.resultFormat);
  call.run();
  return dx;
});
