import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { backend_util, BatchMatMul, Concat, type TensorInfo } from '@tensorflow/tfjs-core';
import { call, input, release, runElements, type WebGpuKernel } from './kernel.js';
import { sumMiddle } from './sum.js';

/** Numbers that the products of all groups of images may take. */
const MOST_PARTS = 2 ** 24;

interface Attributes {
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  dataFormat: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  filterShape: [number, number, number, number];
}

/**
 * The gradient of a convolution with respect to its filter. For each of its elements, what lies under it in x is one
 * matrix per group of images, and dy is another: their products, summed over the groups. The backend's own lets one
 * thread per number of the filter add up all pixels of the batch, one after the other, which costs digits and time.
 */
export const conv2dBackpropFilter =
  (native: WebGpuKernel): WebGpuKernel =>
  (inputs, attributes, backend) => {
    const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attributes as unknown as Attributes;
    if (dataFormat !== 'NHWC') return native(inputs, attributes, backend);
    const x = input(inputs, 'x');
    const dy = input(inputs, 'dy');
    const info = backend_util.computeConv2DInfo(
      x.shape as [number, number, number, number],
      filterShape,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    const elements: TensorInfo[] = [];
    for (let row = 0; row < info.filterHeight; row++) {
      for (let column = 0; column < info.filterWidth; column++) {
        const under = patch(backend, x, info, row, column);
        elements.push(product(backend, under, dy, info));
        if (under !== x) release(backend, under);
      }
    }
    if (elements.length === 1) return { ...(elements[0] as TensorInfo), shape: filterShape };
    const filter = call(Concat, elements, { axis: 0 }, backend);
    release(backend, ...elements);
    return { ...filter, shape: filterShape };
  };

/** The pixels of x that lie under one element of the filter, for every pixel of the output; 0 beyond the image. */
function patch(
  backend: WebGPUBackend,
  x: TensorInfo,
  info: backend_util.Conv2DInfo,
  row: number,
  column: number,
): TensorInfo {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info;
  const top = row - padInfo.top;
  const left = column - padInfo.left;
  const whole = inHeight === outHeight && inWidth === outWidth && strideHeight === 1 && strideWidth === 1;
  if (whole && top === 0 && left === 0) return x;
  const code = `
    fn element(index : i32) -> f32 {
      var place = index / uniforms.channels;
      let channel = index % uniforms.channels;
      let column = place % uniforms.outWidth * uniforms.strideWidth + uniforms.left;
      place = place / uniforms.outWidth;
      let row = place % uniforms.outHeight * uniforms.strideHeight + uniforms.top;
      if (row < 0 || row >= uniforms.inHeight || column < 0 || column >= uniforms.inWidth) { return 0.0; }
      let image = place / uniforms.outHeight;
      return x[((image * uniforms.inHeight + row) * uniforms.inWidth + column) * uniforms.channels + channel];
    }`;
  return runElements(backend, {
    name: 'patch',
    shape: [batchSize, outHeight, outWidth, inChannels],
    dtype: 'float32',
    inputs: { x },
    uniforms: {
      ...{ inHeight, inWidth, channels: inChannels, outHeight, outWidth, strideHeight, strideWidth },
      ...{ top, left },
    },
    code,
  });
}

/** patchᵀ·dy, `[C, O]`. */
function product(
  backend: WebGPUBackend,
  under: TensorInfo,
  dy: TensorInfo,
  { batchSize, outHeight, outWidth, inChannels, outChannels }: backend_util.Conv2DInfo,
): TensorInfo {
  const size = inChannels * outChannels;
  const groups = groupsOf(batchSize, Math.max(1, Math.floor(MOST_PARTS / size)));
  const pixels = (batchSize / groups) * outHeight * outWidth;
  const a = { ...under, shape: [groups, pixels, inChannels] };
  const b = { ...dy, shape: [groups, pixels, outChannels] };
  const products = call(BatchMatMul, { a, b }, { transposeA: true, transposeB: false }, backend);
  const sums = groups === 1 ? products : sumMiddle(backend, products, 1, groups, size, 'float32');
  if (sums !== products) release(backend, products);
  return { ...sums, shape: [inChannels, outChannels] };
}

/** The most groups of equal size. */
function groupsOf(batch: number, most: number): number {
  let groups = Math.min(batch, most);
  while (batch % groups !== 0) groups--;
  return groups;
}
