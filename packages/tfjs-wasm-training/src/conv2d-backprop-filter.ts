import { BatchMatMul, type TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type ConvGeometry, geometry } from './geometry.js';
import { call, floats, input, output, release, type WasmKernel } from './heap.js';

/** Output pixels in one matrix product, about: a panel of the right operand, eight columns wide, fits the first cache. */
const PIXELS = 1024;

/**
 * The gradient of a convolution with respect to its filter: dW = Σ Pᵀ·dy over pieces of the output, where row
 * (ky, kx, c) of Pᵀ holds, for every output pixel of the piece, the input value under that filter element. The product
 * is the backend's own.
 *
 * The input is first sorted into planes, one per channel and residue of the position by the stride, as wide as the
 * output and the filter's reach need. Then the values under a filter element are one run of a plane for all lines of an
 * image, if dy gets as many zero columns as the planes are wider than the output.
 */
export const conv2dBackpropFilter: WasmKernel = (inputs, attributes, backend) => {
  const x = input(inputs, 'x');
  const dy = input(inputs, 'dy');
  const { filterShape } = attributes as { filterShape: [number, number, number, number] };
  const g = geometry('Conv2DBackpropFilter', x.shape, filterShape, attributes);
  const layout = planeLayout(g);
  const elements = g.filterHeight * g.filterWidth * g.inChannels;
  const lines = g.batch * g.outHeight;
  const linesPerPiece = Math.max(1, Math.round(PIXELS / layout.width));

  const result = output(backend, filterShape);
  const sum = new Float64Array(elements * g.outChannels);
  const planes = output(backend, [layout.size]);
  fillPlanes(floats(backend, x), floats(backend, planes), g, layout);
  let patches: TensorInfo | undefined;
  for (let first = 0; first < lines; first += linesPerPiece) {
    const last = Math.min(first + linesPerPiece, lines);
    const pixels = (last - first) * layout.width;
    if (patches?.shape[1] !== pixels) {
      if (patches !== undefined) release(backend, patches);
      patches = output(backend, [elements, pixels]);
    }
    // The backend caches the right operand's packing by tensor, so each piece needs one of its own.
    const piece = output(backend, [pixels, g.outChannels]);
    widen(floats(backend, dy), floats(backend, piece), first, last, g, layout);
    gatherPatches(backend, planes, patches, first, last, g, layout);
    const product = call(BatchMatMul, { a: patches, b: piece }, { transposeA: false, transposeB: false }, backend);
    const values = floats(backend, product);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (values[i] as number);
    release(backend, product, piece);
  }
  release(backend, planes);
  if (patches !== undefined) release(backend, patches);
  floats(backend, result).set(sum);
  return result;
};

/** Planes `[residues of y, residues of x, channels, batch, height, width]`. */
interface PlaneLayout {
  rowResidues: number;
  columnResidues: number;
  height: number;
  width: number;
  /** Elements in all, with room for the last run's overhang. */
  size: number;
}

function planeLayout(g: ConvGeometry): PlaneLayout {
  const rowResidues = Math.min(g.strideHeight, g.filterHeight);
  const columnResidues = Math.min(g.strideWidth, g.filterWidth);
  const height = g.outHeight + Math.floor((g.filterHeight - 1) / g.strideHeight);
  const width = g.outWidth + Math.floor((g.filterWidth - 1) / g.strideWidth);
  const size = rowResidues * columnResidues * g.inChannels * g.batch * height * width + g.filterWidth;
  return { rowResidues, columnResidues, height, width, size };
}

function planeStart(g: ConvGeometry, layout: PlaneLayout, row: number, column: number, c: number): number {
  const plane = (row * layout.columnResidues + column) * g.inChannels + c;
  return plane * g.batch * layout.height * layout.width;
}

/** Sorts `[batch, height, width, channels]` into planes; padding, and what no filter element meets, is zero. */
function fillPlanes(x: Float32Array, planes: Float32Array, g: ConvGeometry, layout: PlaneLayout): void {
  const { batch, inHeight, inWidth, inChannels, strideHeight, strideWidth, padTop, padLeft } = g;
  const { rowResidues, columnResidues, height, width } = layout;
  planes.fill(0);
  for (let n = 0; n < batch; n++) {
    for (let y = 0; y < inHeight; y++) {
      const row = (y + padTop) % strideHeight;
      const planeY = Math.floor((y + padTop) / strideHeight);
      if (row >= rowResidues || planeY >= height) continue;
      const line = (n * inHeight + y) * inWidth * inChannels;
      for (let column = 0; column < columnResidues; column++) {
        const firstX = (((column - padLeft) % strideWidth) + strideWidth) % strideWidth;
        const planeX = Math.floor((firstX + padLeft) / strideWidth);
        const count = Math.min(Math.ceil((inWidth - firstX) / strideWidth), width - planeX);
        for (let c = 0; c < inChannels; c++) {
          let to = planeStart(g, layout, row, column, c) + (n * height + planeY) * width + planeX;
          let from = line + firstX * inChannels + c;
          for (const end = to + count; to < end; from += strideWidth * inChannels) planes[to++] = x[from] as number;
        }
      }
    }
  }
}

/** Copies lines of dy, each followed by as many zero pixels as a plane is wider than the output. */
function widen(
  dy: Float32Array,
  piece: Float32Array,
  first: number,
  last: number,
  { outWidth, outChannels }: ConvGeometry,
  { width }: PlaneLayout,
): void {
  const narrow = outWidth * outChannels;
  const wide = width * outChannels;
  if (narrow === wide) {
    piece.set(dy.subarray(first * narrow, last * narrow));
    return;
  }
  for (let line = first, to = 0; line < last; line++, to += wide) {
    piece.set(dy.subarray(line * narrow, (line + 1) * narrow), to);
    piece.fill(0, to + narrow, to + wide);
  }
}

/** The rows of Pᵀ for the output lines from `first` to before `last`: one run of a plane for each image. */
function gatherPatches(
  backend: BackendWasm,
  planes: TensorInfo,
  patches: TensorInfo,
  first: number,
  last: number,
  g: ConvGeometry,
  layout: PlaneLayout,
): void {
  const { filterHeight, filterWidth, inChannels, outHeight, strideHeight, strideWidth } = g;
  const { height, width } = layout;
  const runs: { start: number; length: number }[] = [];
  for (let line = first; line < last;) {
    const n = Math.floor(line / outHeight);
    const end = Math.min((n + 1) * outHeight, last);
    runs.push({ start: (n * height + line - n * outHeight) * width, length: (end - line) * width });
    line = end;
  }
  // Both lie on the one heap, so a run is moved without a view of its own.
  const target = floats(backend, patches);
  const heap = new Float32Array(target.buffer);
  const source = floats(backend, planes).byteOffset / 4;
  let to = target.byteOffset / 4;
  for (let ky = 0; ky < filterHeight; ky++) {
    for (let kx = 0; kx < filterWidth; kx++) {
      const shift = Math.floor(ky / strideHeight) * width + Math.floor(kx / strideWidth);
      for (let c = 0; c < inChannels; c++) {
        const plane = source + planeStart(g, layout, ky % strideHeight, kx % strideWidth, c) + shift;
        for (const { start, length } of runs) {
          heap.copyWithin(to, plane + start, plane + start + length);
          to += length;
        }
      }
    }
  }
}
