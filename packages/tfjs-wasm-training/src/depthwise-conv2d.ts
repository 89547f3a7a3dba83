import { DepthwiseConv2dNative } from '@tensorflow/tfjs-core';
import { type ConvGeometry, geometry } from './geometry.js';
import { call, floats, input, output, type WasmKernel } from './heap.js';
import { gradientByPhases } from './phases.js';

type Shape4D = [number, number, number, number];

interface Attributes {
  strides: [number, number];
  pad: [[number, number], [number, number]];
}

/** The same for the backend's own kernel. */
function core(attributes: object): object {
  const { strides, pad } = attributes as Attributes;
  return { strides, pad: [[0, 0], ...pad, [0, 0]], dilations: [1, 1] };
}

export const depthwiseConv2d: WasmKernel = (inputs, attributes, backend) =>
  call(DepthwiseConv2dNative, inputs, core(attributes), backend);

export const depthwiseConv2dBackpropInput: WasmKernel = (inputs, attributes, backend) => {
  const dy = input(inputs, 'dy');
  const filter = input(inputs, 'filter');
  const { inputShape } = attributes as { inputShape: Shape4D };
  const g = geometry('BagDepthwiseConv2DBackpropInput', inputShape, filter.shape as Shape4D, core(attributes));
  const byPhases = gradientByPhases(DepthwiseConv2dNative, dy, filter, g, backend);
  if (byPhases !== undefined) return byPhases;
  const dx = output(backend, inputShape);
  const [sums, gradients, taps] = [floats(backend, dx), floats(backend, dy), floats(backend, filter)];
  sums.fill(0);
  forEachRun(g, ({ pixel, pixelStep, tap, out, count }) => {
    for (let c = 0; c < g.inChannels; c++) {
      const factor = taps[tap + c] as number;
      for (let i = 0, to = pixel + c, from = out + c; i < count; i++, to += pixelStep, from += g.inChannels) {
        sums[to] = (sums[to] as number) + (gradients[from] as number) * factor;
      }
    }
  });
  return dx;
};

/** Summed up in double precision. */
export const depthwiseConv2dBackpropFilter: WasmKernel = (inputs, attributes, backend) => {
  const x = input(inputs, 'x');
  const dy = input(inputs, 'dy');
  const { filterShape } = attributes as { filterShape: Shape4D };
  const g = geometry('BagDepthwiseConv2DBackpropFilter', x.shape, filterShape, core(attributes));
  const result = output(backend, filterShape);
  const [pixels, gradients] = [floats(backend, x), floats(backend, dy)];
  const sums = new Float64Array(filterShape.reduce((a, b) => a * b, 1));
  forEachRun(g, ({ pixel, pixelStep, tap, out, count }) => {
    for (let c = 0; c < g.inChannels; c++) {
      let sum = 0;
      for (let i = 0, from = pixel + c, by = out + c; i < count; i++, from += pixelStep, by += g.inChannels) {
        sum += (pixels[from] as number) * (gradients[by] as number);
      }
      sums[tap + c] = (sums[tap + c] as number) + sum;
    }
  });
  floats(backend, result).set(sums);
  return result;
};

/** Pixels of a line that one tap meets: where the first channel lies of the first of them, of the tap and of the result. */
interface Run {
  pixel: number;
  /** Elements to the next pixel. */
  pixelStep: number;
  tap: number;
  out: number;
  count: number;
}

function forEachRun(g: ConvGeometry, body: (run: Run) => void): void {
  const { inChannels: channels, strideWidth, inWidth, outWidth } = g;
  const pixelStep = strideWidth * channels;
  for (let line = 0; line < g.batch * g.outHeight; line++) {
    const firstRow = (line % g.outHeight) * g.strideHeight - g.padTop;
    const image = Math.floor(line / g.outHeight) * g.inHeight;
    for (let u = Math.max(0, -firstRow); u < g.filterHeight && firstRow + u < g.inHeight; u++) {
      for (let v = 0; v < g.filterWidth; v++) {
        const first = Math.max(0, Math.ceil((g.padLeft - v) / strideWidth));
        const count = Math.min(outWidth, Math.ceil((inWidth + g.padLeft - v) / strideWidth)) - first;
        const column = first * strideWidth + v - g.padLeft;
        body({
          pixel: ((image + firstRow + u) * inWidth + column) * channels,
          pixelStep,
          tap: (u * g.filterWidth + v) * channels,
          out: (line * outWidth + first) * channels,
          count,
        });
      }
    }
  }
}
