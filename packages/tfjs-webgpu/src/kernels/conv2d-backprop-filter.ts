import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { backend_util, BatchMatMul, Concat, type TensorInfo } from '@tensorflow/tfjs-core';
import { call, input, release, runElements, type WebGpuKernel } from './kernel.js';
import { sumMiddle } from './sum.js';

/** Columns of a matrix of patches, about: products of matrices are computed in tiles of 32 × 32. */
const COLUMNS = 64;
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
 * The gradient of a convolution with respect to its filter. What lies under one of its elements in x, or under a few, is
 * one matrix per group of images, and dy is another: their products, summed over the groups. The backend's own lets one
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
    const count = info.filterHeight * info.filterWidth;
    const atOnce = Math.max(1, Math.floor(COLUMNS / info.inChannels));
    const parts: TensorInfo[] = [];
    for (let first = 0; first < count; first += atOnce) {
      const patches = gather(backend, x, info, first, Math.min(atOnce, count - first));
      parts.push(product(backend, patches, dy, info));
      if (patches !== x) release(backend, patches);
    }
    if (parts.length === 1) return { ...(parts[0] as TensorInfo), shape: filterShape };
    const filter = call(Concat, parts, { axis: 0 }, backend);
    release(backend, ...parts);
    return { ...filter, shape: filterShape };
  };

/** What lies in x under some elements of the filter, for every pixel of the output: `[B, H, W, elements·C]`. */
function gather(
  backend: WebGPUBackend,
  x: TensorInfo,
  info: backend_util.Conv2DInfo,
  first: number,
  elements: number,
): TensorInfo {
  const { inHeight, inWidth, inChannels: channels, outHeight, outWidth, strideHeight, strideWidth } = info;
  const { filterHeight, filterWidth, padInfo } = info;
  const whole = inHeight === outHeight && inWidth === outWidth && strideHeight === 1 && strideWidth === 1;
  if (whole && filterHeight === 1 && filterWidth === 1 && padInfo.top === 0 && padInfo.left === 0) return x;
  const code = `
    fn element(index : i32) -> f32 {
      let columns = uniforms.elements * uniforms.channels;
      let channel = index % columns % uniforms.channels;
      let place = uniforms.first + index % columns / uniforms.channels;
      var pixel = index / columns;
      let column = pixel % uniforms.outWidth * uniforms.strideWidth - uniforms.left + place % uniforms.filterWidth;
      pixel = pixel / uniforms.outWidth;
      let row = pixel % uniforms.outHeight * uniforms.strideHeight - uniforms.top + place / uniforms.filterWidth;
      if (row < 0 || row >= uniforms.inHeight || column < 0 || column >= uniforms.inWidth) { return 0.0; }
      let image = pixel / uniforms.outHeight;
      return x[((image * uniforms.inHeight + row) * uniforms.inWidth + column) * uniforms.channels + channel];
    }`;
  return runElements(backend, {
    name: 'patches',
    shape: [info.batchSize, outHeight, outWidth, elements * channels],
    dtype: 'float32',
    inputs: { x },
    uniforms: {
      ...{ inHeight, inWidth, channels, outHeight, outWidth, strideHeight, strideWidth },
      ...{ filterWidth, first, elements, top: padInfo.top, left: padInfo.left },
    },
    code,
  });
}

/** patchesᵀ·dy, `[elements·C, O]`. */
function product(
  backend: WebGPUBackend,
  patches: TensorInfo,
  dy: TensorInfo,
  { batchSize, outHeight, outWidth, outChannels }: backend_util.Conv2DInfo,
): TensorInfo {
  const columns = patches.shape.at(-1) as number;
  const size = columns * outChannels;
  const groups = groupsOf(batchSize, Math.max(1, Math.floor(MOST_PARTS / size)));
  const pixels = (batchSize / groups) * outHeight * outWidth;
  const a = { ...patches, shape: [groups, pixels, columns] };
  const b = { ...dy, shape: [groups, pixels, outChannels] };
  const products = call(BatchMatMul, { a, b }, { transposeA: true, transposeB: false }, backend);
  const sums = groups === 1 ? products : sumMiddle(backend, products, 1, groups, size, 'float32');
  if (sums !== products) release(backend, products);
  return { ...sums, shape: [columns, outChannels] };
}

/** The most groups of equal size. */
function groupsOf(batch: number, most: number): number {
  let groups = Math.min(batch, most);
  while (batch % groups !== 0) groups--;
  return groups;
}
