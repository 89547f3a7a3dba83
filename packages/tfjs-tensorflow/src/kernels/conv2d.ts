import { backend_util, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { attributesFor, type NodeBackend, type TensorFlowKernel } from './operation.js';

type Shape4D = [number, number, number, number];

interface ConvolutionAttributes {
  strides: number | [number, number];
  pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  dataFormat: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** tfjs-node takes padding for each side, but not one number for all. */
export function conv2d(native: TensorFlowKernel): TensorFlowKernel {
  return (inputs, attributes, backend) => {
    const { pad, dataFormat } = attributes as unknown as ConvolutionAttributes;
    if (typeof pad !== 'number') return native(inputs, attributes, backend);
    const [none, all] = [
      [0, 0],
      [pad, pad],
    ];
    const sides = dataFormat === 'NCHW' ? [none, none, all, all] : [none, all, all, none];
    return native(inputs, { ...attributes, pad: sides }, backend);
  };
}

// The gradients: tfjs-node refuses any padding but same and valid, although TensorFlow's operations take it.

/** The gradient of a convolution with respect to its filter. */
export const conv2dBackpropFilter: TensorFlowKernel = (inputs, attributes, backend) => {
  const { x, dy } = inputs as { x: Tensor; dy: Tensor };
  const { filterShape } = attributes as { filterShape: Shape4D };
  const about = geometry(x.shape as Shape4D, filterShape, attributes);
  return run('Conv2DBackpropFilter', about, filterShape, (shape) => [x, shape, dy], backend);
};

/** The gradient of a convolution with respect to its input. */
export const conv2dBackpropInput: TensorFlowKernel = (inputs, attributes, backend) => {
  const { dy, filter } = inputs as { dy: Tensor; filter: Tensor };
  const { inputShape } = attributes as { inputShape: Shape4D };
  const about = geometry(inputShape, filter.shape as Shape4D, attributes);
  return run('Conv2DBackpropInput', about, inputShape, (shape) => [shape, filter, dy], backend);
};

function geometry(inputShape: Shape4D, filterShape: Shape4D, attributes: Record<string, unknown>) {
  const { strides, pad, dataFormat, dimRoundingMode } = attributes as unknown as ConvolutionAttributes;
  const format = backend_util.convertConv2DDataFormat(dataFormat);
  return backend_util.computeConv2DInfo(inputShape, filterShape, strides, 1, pad, dimRoundingMode, false, format);
}

/** Runs an operation that takes the shape of its result as an operand. */
function run(
  name: string,
  { strideHeight, strideWidth, padInfo, dataFormat }: backend_util.Conv2DInfo,
  resultShape: Shape4D,
  operands: (shape: Tensor) => Tensor[],
  backend: NodeBackend,
): Tensor {
  const { float, ints, text, flag } = attributesFor(backend);
  const channelsLast = dataFormat === 'channelsLast';
  const spread = (...ofImage: number[]) => {
    const none = ofImage.length === 2 ? [1] : [0, 0];
    return channelsLast ? [...none, ...ofImage, ...none] : [...none, ...none, ...ofImage];
  };
  const { type, top, bottom, left, right } = padInfo;
  const padding = type === 'NUMBER' ? 'EXPLICIT' : type;
  const attributes = [
    float('T'),
    ints('strides', spread(strideHeight, strideWidth)),
    ints('dilations', [1, 1, 1, 1]),
    text('padding', padding),
    text('data_format', channelsLast ? 'NHWC' : 'NCHW'),
    flag('use_cudnn_on_gpu', true),
    ...(padding === 'EXPLICIT' ? [ints('explicit_paddings', spread(top, bottom, left, right))] : []),
  ];
  const shape = tensor1d(resultShape, 'int32');
  try {
    return backend.executeSingleOutput(name, attributes, operands(shape));
  } finally {
    shape.dispose();
  }
}
