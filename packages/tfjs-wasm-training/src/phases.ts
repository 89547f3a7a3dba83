import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { Conv2D, type TensorInfo } from '@tensorflow/tfjs-core';
import type { ConvGeometry } from './geometry.js';
import { call, floats, output, release } from './heap.js';

/**
 * The gradient of a convolution with respect to its input, as forward convolutions of dy. With stride s, the input
 * rows y ≡ r (mod s) meet only the filter rows ky ≡ r + padding (mod s): each of the s² phases is a convolution of
 * stride 1 with its share of the filter, flipped and its channels swapped; the phases are then interleaved.
 *
 * @param kernel The forward convolution: Conv2D, or DepthwiseConv2dNative for one filter per channel.
 * @returns undefined where a phase would need negative padding.
 */
export function gradientByPhases(
  kernel: string,
  dy: TensorInfo,
  filter: TensorInfo,
  g: ConvGeometry,
  backend: BackendWasm,
): TensorInfo | undefined {
  const rows = phases(g.strideHeight, g.padTop, g.filterHeight, g.inHeight, g.outHeight);
  const columns = phases(g.strideWidth, g.padLeft, g.filterWidth, g.inWidth, g.outWidth);
  if ([...rows, ...columns].some(({ before, after }) => before < 0 || after < 0)) return undefined;
  if (g.strideHeight === 1 && g.strideWidth === 1) {
    return convolvePhase(kernel, backend, dy, filter, g, rows[0] as Phase, columns[0] as Phase);
  }
  const dx = output(backend, [g.batch, g.inHeight, g.inWidth, g.inChannels]);
  floats(backend, dx).fill(0);
  for (const row of rows) {
    for (const column of columns) {
      if (row.taps === 0 || column.taps === 0 || row.size === 0 || column.size === 0) continue;
      const part = convolvePhase(kernel, backend, dy, filter, g, row, column);
      interleave(floats(backend, part), floats(backend, dx), g, row, column);
      release(backend, part);
    }
  }
  return dx;
}

/** One residue of the input positions along an axis. */
interface Phase {
  /** First input position. */
  offset: number;
  /** Number of input positions. */
  size: number;
  /** First filter element that they meet. */
  tap: number;
  /** Number of filter elements that they meet, a stride apart. */
  taps: number;
  /** Padding of dy. */
  before: number;
  after: number;
}

function phases(stride: number, padding: number, filterSize: number, inSize: number, outSize: number): Phase[] {
  return Array.from({ length: stride }, (_, offset) => {
    const size = Math.max(0, Math.ceil((inSize - offset) / stride));
    const tap = (offset + padding) % stride;
    const taps = Math.max(0, Math.ceil((filterSize - tap) / stride));
    // Input position offset + stride·m meets dy at m + shift − j through filter element tap + stride·j.
    const shift = (offset + padding - tap) / stride;
    if (taps === 0 || size === 0) return { offset, size, tap, taps, before: 0, after: 0 };
    const before = taps - 1 - shift;
    return { offset, size, tap, taps, before, after: size + taps - 1 - outSize - before };
  });
}

function convolvePhase(
  kernel: string,
  backend: BackendWasm,
  dy: TensorInfo,
  filter: TensorInfo,
  g: ConvGeometry,
  row: Phase,
  column: Phase,
): TensorInfo {
  const flipped = flippedFilter(kernel, backend, filter, g, row, column);
  const pad = [
    [0, 0],
    [row.before, row.after],
    [column.before, column.after],
    [0, 0],
  ];
  const attributes = { strides: [1, 1], pad, dataFormat: 'NHWC', dilations: [1, 1] };
  const part = call(kernel, { x: dy, filter: flipped }, attributes, backend);
  release(backend, flipped);
  return part;
}

/** The phase's filter elements, flipped, the last two axes swapped; a depthwise filter's stay, as one of them is 1. */
function flippedFilter(
  kernel: string,
  backend: BackendWasm,
  filter: TensorInfo,
  { filterWidth, strideHeight, strideWidth }: ConvGeometry,
  row: Phase,
  column: Phase,
): TensorInfo {
  const [outer, inner] = filter.shape.slice(2) as [number, number];
  const swapped = kernel === Conv2D ? [inner, outer] : [outer, inner];
  const result = output(backend, [row.taps, column.taps, ...swapped]);
  const from = floats(backend, filter);
  const to = floats(backend, result);
  let at = 0;
  for (let j = row.taps - 1; j >= 0; j--) {
    for (let i = column.taps - 1; i >= 0; i--) {
      const element = (row.tap + strideHeight * j) * filterWidth + column.tap + strideWidth * i;
      const base = element * outer * inner;
      for (let o = 0; o < inner; o++) {
        for (let c = 0; c < outer; c++) to[at++] = from[base + c * inner + o] as number;
      }
    }
  }
  return result;
}

function interleave(part: Float32Array, dx: Float32Array, g: ConvGeometry, row: Phase, column: Phase): void {
  const { batch, inHeight, inWidth, inChannels, strideHeight, strideWidth } = g;
  let from = 0;
  for (let n = 0; n < batch; n++) {
    for (let m = 0; m < row.size; m++) {
      let to = ((n * inHeight + row.offset + strideHeight * m) * inWidth + column.offset) * inChannels;
      for (let i = 0; i < column.size; i++, to += strideWidth * inChannels) {
        for (let c = 0; c < inChannels; c++) dx[to + c] = part[from++] as number;
      }
    }
  }
}
