import { backend_util } from '@tensorflow/tfjs-core';

/** The sizes of a convolution, in elements. */
export interface ConvGeometry {
  batch: number;
  inHeight: number;
  inWidth: number;
  inChannels: number;
  outHeight: number;
  outWidth: number;
  outChannels: number;
  filterHeight: number;
  filterWidth: number;
  strideHeight: number;
  strideWidth: number;
  padTop: number;
  padBottom: number;
  padLeft: number;
  padRight: number;
}

interface ConvAttributes {
  strides: number | [number, number];
  pad: 'same' | 'valid' | number | [[number, number], [number, number], [number, number], [number, number]];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  dataFormat?: string;
}

/**
 * What the shapes and a kernel's attributes come to, padding made explicit. The far padding may be larger than a
 * forward pass reads; the rest of it meets no filter element.
 * @throws Error for the NCHW layout, which the wasm backend does not have either.
 */
export function geometry(
  kernel: string,
  xShape: number[],
  filterShape: [number, number, number, number],
  attributes: object,
): ConvGeometry {
  const { strides, pad, dimRoundingMode, dataFormat = 'NHWC' } = attributes as ConvAttributes;
  if (dataFormat !== 'NHWC') throw new Error(`${kernel}: the wasm backend supports NHWC only, got ${dataFormat}`);
  const info = backend_util.computeConv2DInfo(
    xShape as [number, number, number, number],
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const { top, bottom, left, right } = info.padInfo;
  return {
    batch: info.batchSize,
    inHeight: info.inHeight,
    inWidth: info.inWidth,
    inChannels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels: info.outChannels,
    filterHeight: info.filterHeight,
    filterWidth: info.filterWidth,
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    padTop: top,
    padBottom: bottom,
    padLeft: left,
    padRight: right,
  };
}
