import {
  type backend_util,
  conv2d as coreConv2d,
  engine,
  type NamedTensorMap,
  stridedSlice,
  type Tensor,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { mayRelease, registerGradientOnce, runKernel } from './kernel.js';
import { checkWindow, type Padding, paddingOf, pairOf, spread } from './windows.js';

export interface Conv2dOptions {
  /** Step between output pixels, for both axes or `[height, width]`. */
  strides?: number | [number, number];
  /** Zeros around the image: one number for all four sides (as torch has it) or `[[top, bottom], [left, right]]`. */
  padding?: number | Padding;
  /** Step between filter taps, for both axes or `[height, width]`. */
  dilations?: number | [number, number];
}

/** The attributes of the `BagConv2D` kernels. */
export interface Conv2dAttributes {
  strides: [number, number];
  pad: Padding;
  dilations: [number, number];
}

/**
 * 2-D convolution with explicit padding: y[b,i,j,o] = Σ x[b, i·s + u·d − p, j·s + v·d − p, c] · filter[u,v,c,o],
 * s = `strides`, d = `dilations`, p = `padding`. As `torch.nn.functional.conv2d`, in NHWC; every combination has both
 * gradients, dilation > 1 too.
 *
 * @param x `[batch, height, width, channels]`, float32.
 * @param filter `[filterHeight, filterWidth, channels, filters]`, float32.
 * @returns `[batch, outHeight, outWidth, filters]`, owned by the caller; outHeight = ⌊(height + 2p − d·(filterHeight − 1) − 1)/s⌋ + 1.
 * @throws Error where channels differ or the filter is larger than the padded image.
 * @example
 * const y = conv2d(tf.ones([1, 4, 4, 1]), tf.ones([3, 3, 1, 1]), { padding: 1, strides: 2 });
 * y.shape; // → [1, 2, 2, 1]
 */
export function conv2d(
  x: Tensor4D,
  filter: Tensor4D,
  { strides = 1, padding = 0, dilations = 1 }: Conv2dOptions = {},
): Tensor4D {
  const attributes: Conv2dAttributes = {
    strides: pairOf('conv2d', 'strides', strides),
    pad: paddingOf('conv2d', padding),
    dilations: pairOf('conv2d', 'dilations', dilations),
  };
  checkShapes(x, filter, attributes);
  return runKernel('BagConv2D', { x, filter }, attributes, composeConv2d) as Tensor4D;
}

/**
 * The gradient of `conv2d` with respect to its input: dx[b,i·s + u·d − p, …, c] += Σ dy[b,i,j,o] · filter[u,v,c,o].
 *
 * @param dy `[batch, outHeight, outWidth, filters]`, the gradient of its output.
 * @param attributes Those of the forward pass, padding in full, and the shape of its input.
 * @returns `inputShape`, owned by the caller.
 * @throws Error by the engine, where the shapes do not belong together.
 * @example
 * const pad: [[number, number], [number, number]] = [[1, 1], [1, 1]];
 * conv2dBackpropInput(dy, filter, { strides: [1, 1], pad, dilations: [1, 1], inputShape: x.shape });
 */
export function conv2dBackpropInput(
  dy: Tensor4D,
  filter: Tensor4D,
  attributes: Conv2dAttributes & { inputShape: [number, number, number, number] },
): Tensor4D {
  return runKernel('BagConv2DBackpropInput', { dy, filter }, attributes, composeBackpropInput) as Tensor4D;
}

/**
 * The gradient of `conv2d` with respect to its filter: df[u,v,c,o] = Σ x[b,i·s + u·d − p, j·s + v·d − p, c] · dy[b,i,j,o].
 *
 * @param x `[batch, height, width, channels]`, the input of the forward pass.
 * @param dy `[batch, outHeight, outWidth, filters]`, the gradient of its output.
 * @param attributes Those of the forward pass, padding in full, and the shape of its filter.
 * @returns `filterShape`, owned by the caller.
 * @throws Error by the engine, where the shapes do not belong together.
 * @example
 * const pad: [[number, number], [number, number]] = [[1, 1], [1, 1]];
 * conv2dBackpropFilter(x, dy, { strides: [1, 1], pad, dilations: [1, 1], filterShape: filter.shape });
 */
export function conv2dBackpropFilter(
  x: Tensor4D,
  dy: Tensor4D,
  attributes: Conv2dAttributes & { filterShape: [number, number, number, number] },
): Tensor4D {
  return runKernel('BagConv2DBackpropFilter', { x, dy }, attributes, composeBackpropFilter) as Tensor4D;
}

registerGradientOnce({
  kernelName: 'BagConv2D',
  inputsToSave: ['x', 'filter'],
  gradFunc: (dy, saved, attrs) => {
    const [x, filter] = saved as [Tensor4D, Tensor4D];
    const gradient = dy as Tensor4D;
    const attributes = attrs as unknown as Conv2dAttributes;
    const release = mayRelease(gradient);
    // Lazy, in this order: the engine asks for x first and never for an input outside the differentiated path.
    return {
      x: () => conv2dBackpropInput(gradient, filter, { ...attributes, inputShape: x.shape }),
      filter: () => {
        const dFilter = conv2dBackpropFilter(x, gradient, { ...attributes, filterShape: filter.shape });
        if (release) {
          gradient.dispose();
          x.dispose();
        }
        return dFilter;
      },
    };
  },
});

function composeConv2d({ x, filter }: NamedTensorMap, attrs: unknown): Tensor {
  const { strides, pad, dilations } = attrs as Conv2dAttributes;
  return coreConv2d(x as Tensor4D, filter as Tensor4D, strides, corePad(pad), 'NHWC', dilations);
}

function composeBackpropInput({ dy, filter }: NamedTensorMap, attrs: unknown): Tensor {
  const { strides, pad, dilations, inputShape } = attrs as Conv2dAttributes & { inputShape: number[] };
  const dense = dilate(filter as Tensor4D, dilations);
  return runCore('Conv2DBackpropInput', { dy: dy as Tensor, filter: dense }, { strides, pad, inputShape });
}

function composeBackpropFilter({ x, dy }: NamedTensorMap, attrs: unknown): Tensor {
  const { strides, pad, dilations, filterShape } = attrs as Conv2dAttributes & { filterShape: Shape4D };
  const denseShape = dilatedShape(filterShape, dilations);
  const dense = runCore(
    'Conv2DBackpropFilter',
    { x: x as Tensor, dy: dy as Tensor },
    { strides, pad, filterShape: denseShape },
  );
  if (isOne(dilations)) return dense;
  return stridedSlice(dense, [0, 0, 0, 0], denseShape, [...dilations, 1, 1]);
}

type Shape4D = [number, number, number, number];

function runCore(name: string, inputs: NamedTensorMap, { strides, pad, ...shape }: Record<string, unknown>): Tensor {
  return engine().runKernel<Tensor>(name, inputs, {
    ...(shape as Record<string, number[]>),
    strides: strides as [number, number],
    pad: corePad(pad as Padding),
    dataFormat: 'NHWC',
    dimRoundingMode: undefined as never,
  });
}

function corePad(pad: Padding): backend_util.ExplicitPadding {
  return [[0, 0], pad[0], pad[1], [0, 0]];
}

/** A dilated filter is a larger filter with zeros between its taps; core's gradients know no dilation. */
function dilate(filter: Tensor4D, dilations: [number, number]): Tensor4D {
  if (isOne(dilations)) return filter;
  return tidy(() => spread(spread(filter, 0, dilations[0]), 1, dilations[1]));
}

function dilatedShape([h, w, c, o]: Shape4D, [dh, dw]: [number, number]): Shape4D {
  return [(h - 1) * dh + 1, (w - 1) * dw + 1, c, o];
}

function isOne([h, w]: [number, number]): boolean {
  return h === 1 && w === 1;
}

function checkShapes(x: Tensor4D, filter: Tensor4D, attributes: Conv2dAttributes): void {
  if (x.rank !== 4 || filter.rank !== 4) {
    throw new Error(
      `conv2d: expected x [batch, height, width, channels] and filter [height, width, channels, filters], got [${x.shape.join(', ')}] and [${filter.shape.join(', ')}]`,
    );
  }
  if (x.shape[3] !== filter.shape[2]) {
    throw new Error(
      `conv2d: x has ${x.shape[3]} channels, the filter [${filter.shape.join(', ')}] expects ${filter.shape[2]}`,
    );
  }
  checkWindow('conv2d', x, filter, attributes);
}
