import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type Activation, activated, isOfLastAxis } from '../activation.js';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define, forward } from '../define.js';
import { formatOf, storedAlike } from '../precision.js';

type Shape4D = [number, number, number, number];
type Pair = [number, number];

/** The attributes of TensorFlow.js' convolution kernels. */
interface CoreAttributes {
  strides: Pair | number;
  pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  dilations?: Pair | number | null;
  dataFormat?: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Those of `@bag/ops`; a depthwise convolution has no dilations. */
interface BagAttributes {
  strides: Pair;
  pad: [Pair, Pair];
  dilations?: Pair;
}

/** What the native kernels take beside tensors. */
interface Geometry {
  strides: Pair;
  dilations: Pair;
  padBefore: Pair;
  depthwise: boolean;
}

const Forward = kernelNumber('Convolution');
const InputGradient = kernelNumber('ConvolutionInputGradient');
const FilterGradient = kernelNumber('ConvolutionFilterGradient');

interface Epilogue {
  bias?: TensorInfo | undefined;
  /** Its code. */
  activation?: number;
  leakyreluAlpha?: number | undefined;
}

function convolve(
  x: TensorInfo,
  filter: TensorInfo,
  outShape: number[],
  geometry: Geometry,
  backend: OnednnBackend,
  { bias, activation = 0, leakyreluAlpha = 0 }: Epilogue = {},
): TensorInfo {
  const call = backend.call(Forward);
  const half = storedAlike(backend, x, filter);
  call.operand(x, half);
  call.operand(filter, half);
  call.optional(bias);
  const y = call.storedOutput(outShape, half);
  pushGeometry(call, geometry);
  call.number(activation);
  call.number(leakyreluAlpha);
  call.run();
  return y;
}

/** That of x from dy and the filter, or that of the filter from x and dy. */
function gradient(
  kernel: number,
  left: TensorInfo,
  right: TensorInfo,
  shape: number[],
  geometry: Geometry,
  backend: OnednnBackend,
): TensorInfo {
  const call = backend.call(kernel);
  const half = kernel === FilterGradient ? formatOf(backend, left, right) : storedAlike(backend, left, right);
  call.operand(left, half);
  call.operand(right, half);
  const result = call.storedOutput(shape, kernel === InputGradient ? half : undefined);
  pushGeometry(call, geometry);
  call.run();
  return result;
}

function pushGeometry(
  call: ReturnType<OnednnBackend['call']>,
  { strides, dilations, padBefore, depthwise }: Geometry,
): void {
  call.numbers(strides);
  call.numbers(dilations);
  call.numbers(padBefore);
  call.flag(depthwise);
}

/** Shapes and padding that TensorFlow.js' attributes come to. */
function core(
  xShape: number[],
  filterShape: number[],
  { strides, pad, dilations, dimRoundingMode }: CoreAttributes,
  depthwise: boolean,
): Geometry & { outShape: number[] } {
  const info = backend_util.computeConv2DInfo(
    xShape as Shape4D,
    filterShape as Shape4D,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
  return {
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    padBefore: [info.padInfo.top, info.padInfo.left],
    depthwise,
    outShape: info.outShape,
  };
}

function bag(
  x: number[],
  filter: number[],
  { strides, pad, dilations = [1, 1] }: BagAttributes,
  depthwise: boolean,
): Geometry & { outShape: number[] } {
  const size = (axis: 0 | 1) => {
    const extent = ((filter[axis] as number) - 1) * dilations[axis] + 1;
    return Math.floor(((x[axis + 1] as number) + pad[axis][0] + pad[axis][1] - extent) / strides[axis]) + 1;
  };
  const channels = filter[depthwise ? 2 : 3] as number;
  return {
    strides,
    dilations,
    padBefore: [pad[0][0], pad[1][0]],
    depthwise,
    outShape: [x[0] as number, size(0), size(1), channels],
  };
}

// Images with the channels first, and those without pixels, go to tfjs-backend-cpu.
const takes = (inputs: object, { dataFormat = 'NHWC' }: CoreAttributes): boolean =>
  dataFormat === 'NHWC' &&
  Object.values(inputs as Record<string, TensorInfo | undefined>).every(
    (tensor) => tensor?.dtype === undefined || (tensor.dtype === 'float32' && !tensor.shape.includes(0)),
  );

interface ForwardInputs {
  x: TensorInfo;
  filter: TensorInfo;
}

interface FusedInputs extends ForwardInputs {
  bias?: TensorInfo;
  preluActivationWeights?: TensorInfo;
}

type FusedAttributes = CoreAttributes & { activation?: Activation; leakyreluAlpha?: number };

for (const [depthwise, plainName, fusedName, inputName, filterName] of [
  [false, 'Conv2D', 'FusedConv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter'],
  [
    true,
    'DepthwiseConv2dNative',
    'FusedDepthwiseConv2D',
    'DepthwiseConv2dNativeBackpropInput',
    'DepthwiseConv2dNativeBackpropFilter',
  ],
] as const) {
  define<ForwardInputs, CoreAttributes>(
    plainName,
    ({ x, filter }, attributes, backend) => {
      const geometry = core(x.shape, filter.shape, attributes, depthwise);
      return convolve(x, filter, geometry.outShape, geometry, backend);
    },
    { takes },
  );

  define<FusedInputs, FusedAttributes>(
    fusedName,
    ({ x, filter, bias, preluActivationWeights }, { activation, leakyreluAlpha, ...attributes }, backend) => {
      const geometry = core(x.shape, filter.shape, attributes, depthwise);
      return activated(activation, preluActivationWeights, backend, (code) =>
        convolve(x, filter, geometry.outShape, geometry, backend, {
          bias: bias ?? undefined,
          activation: code,
          leakyreluAlpha,
        }),
      );
    },
    { takes: (inputs, attributes) => takes(inputs, attributes) && fits(inputs, depthwise) },
  );

  define<{ dy: TensorInfo; filter: TensorInfo }, CoreAttributes & { inputShape: Shape4D }>(
    inputName,
    ({ dy, filter }, attributes, backend) => {
      const { outShape, ...geometry } = core(attributes.inputShape, filter.shape, attributes, depthwise);
      if (!util.arraysEqual(dy.shape, outShape)) return forward(inputName, { dy, filter }, attributes, backend);
      return gradient(InputGradient, dy, filter, attributes.inputShape, geometry, backend);
    },
    { takes },
  );

  define<{ x: TensorInfo; dy: TensorInfo }, CoreAttributes & { filterShape: Shape4D }>(
    filterName,
    ({ x, dy }, attributes, backend) => {
      const { outShape, ...geometry } = core(x.shape, attributes.filterShape, attributes, depthwise);
      if (!util.arraysEqual(dy.shape, outShape)) return forward(filterName, { x, dy }, attributes, backend);
      return gradient(FilterGradient, x, dy, attributes.filterShape, geometry, backend);
    },
    { takes },
  );
}

function fits({ filter, bias }: FusedInputs, depthwise: boolean): boolean {
  const [, , from, to] = filter.shape as Shape4D;
  return bias == null || isOfLastAxis(bias, depthwise ? from * to : to);
}

for (const [depthwise, name] of [
  [false, 'BagConv2D'],
  [true, 'BagDepthwiseConv2D'],
] as const) {
  define<ForwardInputs, BagAttributes>(name, ({ x, filter }, attributes, backend) => {
    const { outShape, ...geometry } = bag(x.shape, filter.shape, attributes, depthwise);
    return convolve(x, filter, outShape, geometry, backend);
  });

  define<{ dy: TensorInfo; filter: TensorInfo }, BagAttributes & { inputShape: Shape4D }>(
    `${name}BackpropInput`,
    ({ dy, filter }, { inputShape, ...attributes }, backend) => {
      const geometry = bag(inputShape, filter.shape, attributes, depthwise);
      return gradient(InputGradient, dy, filter, inputShape, geometry, backend);
    },
  );

  define<{ x: TensorInfo; dy: TensorInfo }, BagAttributes & { filterShape: Shape4D }>(
    `${name}BackpropFilter`,
    ({ x, dy }, { filterShape, ...attributes }, backend) => {
      const geometry = bag(x.shape, filterShape, attributes, depthwise);
      return gradient(FilterGradient, x, dy, filterShape, geometry, backend);
    },
  );
}
