import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';

/** Windows over an image. */
export interface Windows {
  inShape: [number, number, number, number];
  outShape: [number, number, number, number];
  filter: [number, number];
  strides: [number, number];
  /** Rows above and columns left of the image. */
  before: [number, number];
}

interface PoolAttributes {
  filterSize: [number, number] | number;
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The windows of TensorFlow.js' own pools. */
export function windowsOf({ shape }: TensorInfo, attributes: object): Windows {
  const { filterSize, strides, pad, dimRoundingMode } = attributes as PoolAttributes;
  const inShape = shape as [number, number, number, number];
  const info = backend_util.computePool2DInfo(inShape, filterSize, strides, 1, pad, dimRoundingMode);
  return {
    inShape,
    outShape: info.outShape,
    filter: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    before: [info.padInfo.top, info.padInfo.left],
  };
}

/** The windows of `BagMaxPool` of `@bag/ops`. */
export function paddedWindowsOf({ shape }: TensorInfo, attributes: object): Windows {
  const { filterSize, strides, pad } = attributes as {
    filterSize: [number, number];
    strides: [number, number];
    pad: [[number, number], [number, number]];
  };
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const out = (size: number, axis: 0 | 1) =>
    Math.floor((size + pad[axis][0] + pad[axis][1] - filterSize[axis]) / strides[axis]) + 1;
  return {
    inShape: [batch, height, width, channels],
    outShape: [batch, out(height, 0), out(width, 1), channels],
    filter: filterSize,
    strides,
    before: [pad[0][0], pad[1][0]],
  };
}

export function uniformsOf({ inShape, outShape, filter, strides, before }: Windows): Record<string, number> {
  return {
    inHeight: inShape[1],
    inWidth: inShape[2],
    channels: inShape[3],
    outHeight: outShape[1],
    outWidth: outShape[2],
    filterHeight: filter[0],
    filterWidth: filter[1],
    strideHeight: strides[0],
    strideWidth: strides[1],
    top: before[0],
    left: before[1],
  };
}
