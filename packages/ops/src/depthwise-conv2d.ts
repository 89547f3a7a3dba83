import {
  depthwiseConv2d as coreDepthwiseConv2d,
  engine,
  getKernel,
  mul,
  type NamedTensorMap,
  pad as corePad,
  reshape,
  reverse,
  slice,
  stack,
  stridedSlice,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { mayRelease, registerGradientOnce, runKernel } from './kernel.js';
import { checkWindow, type Padding, paddingOf, pairOf, spread } from './windows.js';

export interface DepthwiseConv2dOptions {
  /** Step between output pixels, for both axes or `[height, width]`. */
  strides?: number | [number, number];
  /** Zeros around the image: one number for all four sides (as torch has it) or `[[top, bottom], [left, right]]`. */
  padding?: number | Padding;
}

/** The attributes of the `BagDepthwiseConv2D` kernels. */
export interface DepthwiseConv2dAttributes {
  strides: [number, number];
  pad: Padding;
}

type Shape4D = [number, number, number, number];

/**
 * Convolution of each channel with a filter of its own, with explicit padding: y[b,i,j,c] =
 * Σ x[b, i·s + u − p, j·s + v − p, c] · filter[u,v,c,0], s = `strides`, p = `padding`. As `torch.nn.functional.conv2d` with as
 * many groups as channels, in NHWC; with both gradients.
 *
 * @param x `[batch, height, width, channels]`, float32.
 * @param filter `[filterHeight, filterWidth, channels, 1]`, float32.
 * @returns `[batch, outHeight, outWidth, channels]`, owned by the caller; outHeight = ⌊(height + 2p − filterHeight)/s⌋ + 1.
 * @throws Error where channels differ, a channel has several filters, or the filter is larger than the padded image.
 * @example
 * const y = depthwiseConv2d(tf.ones([1, 4, 4, 8]), tf.ones([3, 3, 8, 1]), { padding: 1, strides: 2 });
 * y.shape; // → [1, 2, 2, 8]
 */
export function depthwiseConv2d(
  x: Tensor4D,
  filter: Tensor4D,
  { strides = 1, padding = 0 }: DepthwiseConv2dOptions = {},
): Tensor4D {
  const attributes: DepthwiseConv2dAttributes = {
    strides: pairOf('depthwiseConv2d', 'strides', strides),
    pad: paddingOf('depthwiseConv2d', padding),
  };
  checkShapes(x, filter, attributes);
  return runKernel('BagDepthwiseConv2D', { x, filter }, attributes, composeForward) as Tensor4D;
}

registerGradientOnce({
  kernelName: 'BagDepthwiseConv2D',
  inputsToSave: ['x', 'filter'],
  gradFunc: (dy, saved, attrs) => {
    const [x, filter] = saved as [Tensor4D, Tensor4D];
    const gradient = dy as Tensor4D;
    const release = mayRelease(gradient);
    // Lazy, in this order: see conv2d.ts.
    return {
      x: () => {
        const attributes = { ...attrs, inputShape: x.shape };
        return runKernel(
          'BagDepthwiseConv2DBackpropInput',
          { dy: gradient, filter },
          attributes,
          composeBackpropInput,
        ) as Tensor4D;
      },
      filter: () => {
        const attributes = { ...attrs, filterShape: filter.shape };
        const inputs = { x, dy: gradient };
        const dFilter = runKernel('BagDepthwiseConv2DBackpropFilter', inputs, attributes, composeBackpropFilter);
        if (release) for (const tensor of [gradient, x]) tensor.dispose();
        return dFilter as Tensor4D;
      },
    };
  },
});

// Engines differ in the padding that their depthwise kernels take; all take none. So images are padded first.

function composeForward({ x, filter }: NamedTensorMap, attrs: unknown): Tensor {
  const { strides, pad } = attrs as DepthwiseConv2dAttributes;
  return coreDepthwiseConv2d(padded(x as Tensor4D, pad), filter as Tensor4D, strides, 'valid');
}

function composeBackpropInput({ dy, filter }: NamedTensorMap, attrs: unknown): Tensor {
  const { strides, pad, inputShape } = attrs as DepthwiseConv2dAttributes & { inputShape: Shape4D };
  const [batch, height, width, channels] = inputShape;
  const [[top, bottom], [left, right]] = pad;
  const paddedShape: Shape4D = [batch, height + top + bottom, width + left + right, channels];
  const gradient = ofPaddedInput(dy as Tensor4D, filter as Tensor4D, strides, paddedShape);
  return isNone(pad) ? gradient : slice(gradient, [0, top, left, 0], inputShape);
}

function ofPaddedInput(dy: Tensor4D, filter: Tensor4D, strides: [number, number], inputShape: Shape4D): Tensor4D {
  const core = runCore('DepthwiseConv2dNativeBackpropInput', { dy, filter }, { strides, inputShape });
  if (core !== undefined) return core;
  // A convolution of dy, with zeros between its pixels and around them, with the turned filter.
  const [filterHeight, filterWidth] = filter.shape;
  const spaced = spread(spread(dy, 1, strides[0]), 2, strides[1]);
  const [, outHeight, outWidth] = spaced.shape;
  const around = (size: number, out: number, extent: number): [number, number] => [extent - 1, size - out];
  const wide = padded(spaced, [
    around(inputShape[1], outHeight, filterHeight),
    around(inputShape[2], outWidth, filterWidth),
  ]);
  return coreDepthwiseConv2d(wide, reverse(filter, [0, 1]), 1, 'valid');
}

function composeBackpropFilter({ x, dy }: NamedTensorMap, attrs: unknown): Tensor {
  const { strides, pad, filterShape } = attrs as DepthwiseConv2dAttributes & { filterShape: Shape4D };
  const input = padded(x as Tensor4D, pad);
  const gradient = dy as Tensor4D;
  const core = runCore('DepthwiseConv2dNativeBackpropFilter', { x: input, dy: gradient }, { strides, filterShape });
  if (core !== undefined) return core;
  const [filterHeight, filterWidth] = filterShape;
  const [batch, outHeight, outWidth, channels] = gradient.shape;
  const taps = Array.from({ length: filterHeight * filterWidth }, (_, tap) =>
    tidy(() => {
      const [u, v] = [Math.floor(tap / filterWidth), tap % filterWidth];
      const end = [batch, u + (outHeight - 1) * strides[0] + 1, v + (outWidth - 1) * strides[1] + 1, channels];
      const met = stridedSlice(input, [0, u, v, 0], end, [1, ...strides, 1]);
      return sum<Tensor1D>(mul(met, gradient), [0, 1, 2]);
    }),
  );
  return reshape(stack(taps), filterShape);
}

/** Core's own kernel on an image without padding; undefined where the engine has none. */
function runCore(name: string, inputs: NamedTensorMap, attributes: Record<string, number[]>): Tensor4D | undefined {
  const { backendName } = engine();
  if (getKernel(name, backendName) === undefined) return undefined;
  const rest = { pad: 'valid', dilations: [1, 1], dimRoundingMode: undefined as never };
  return engine().runKernel<Tensor4D>(name, inputs, { ...attributes, ...rest });
}

function padded(x: Tensor4D, pad: Padding): Tensor4D {
  return isNone(pad) ? x : corePad(x, [[0, 0], ...pad, [0, 0]]);
}

function isNone(pad: Padding): boolean {
  return pad.flat().every((n) => n === 0);
}

function checkShapes(x: Tensor4D, filter: Tensor4D, attributes: DepthwiseConv2dAttributes): void {
  if (x.rank !== 4 || filter.rank !== 4 || filter.shape[3] !== 1) {
    throw new Error(
      `depthwiseConv2d: expected x [batch, height, width, channels] and filter [height, width, channels, 1], got [${x.shape.join(', ')}] and [${filter.shape.join(', ')}]`,
    );
  }
  if (x.shape[3] !== filter.shape[2]) {
    throw new Error(
      `depthwiseConv2d: x has ${x.shape[3]} channels, the filter [${filter.shape.join(', ')}] expects ${filter.shape[2]}`,
    );
  }
  checkWindow('depthwiseConv2d', x, filter, attributes);
}
