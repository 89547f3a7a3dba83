import { expectAllClose } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { activations } from './fixtures/activations.js';
import { noise } from './fixtures/noise.js';
import { memory, type OnednnBackend } from './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

type Pair = [number, number];
type Shape = [number, number, number, number];

interface Case {
  x: Shape;
  /** `[height, width, in, out]`, or `[height, width, in, multiplier]` */
  filter: Shape;
  strides?: Pair;
  dilations?: Pair;
  /** `[[top, bottom], [left, right]]` */
  pad?: [Pair, Pair];
  depthwise?: boolean;
}

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

const values = (length: number, seed: number) => noise(length, seed, 0, 2);

const defaults = {
  strides: [1, 1] as Pair,
  dilations: [1, 1] as Pair,
  pad: [
    [0, 0],
    [0, 0],
  ] as [Pair, Pair],
  depthwise: false,
};

function outShapeOf(one: Case): Shape {
  const { x, filter, strides, dilations, pad, depthwise } = { ...defaults, ...one };
  const count = (axis: 0 | 1) =>
    Math.floor(
      ((x[axis + 1] as number) + pad[axis][0] + pad[axis][1] - ((filter[axis] - 1) * dilations[axis] + 1)) /
        strides[axis],
    ) + 1;
  return [x[0], count(0), count(1), depthwise ? filter[2] * filter[3] : filter[3]];
}

/** Calls body(x, filter, y) with the indices of every product of a convolution. */
function forEachProduct(one: Case, body: (x: number, filter: number, y: number) => void): void {
  const { x, filter, strides, dilations, pad, depthwise } = { ...defaults, ...one };
  const [batch, rows, columns, channels] = outShapeOf(one);
  const [h, w, from, to] = filter;
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        for (let u = 0; u < h; u++)
          for (let v = 0; v < w; v++) {
            const row = i * strides[0] + u * dilations[0] - pad[0][0];
            const column = j * strides[1] + v * dilations[1] - pad[1][0];
            if (row < 0 || row >= x[1] || column < 0 || column >= x[2]) continue;
            const pixel = ((b * x[1] + row) * x[2] + column) * from;
            const tap = (u * w + v) * from;
            const target = ((b * rows + i) * columns + j) * channels;
            for (let c = 0; c < from; c++)
              for (let o = 0; o < to; o++) body(pixel + c, (tap + c) * to + o, target + (depthwise ? c * to + o : o));
          }
}

/** Σ a·b in double precision at `to`, and Σ |a·b|. */
class Sums {
  readonly sums: Float64Array;
  readonly sizes: Float64Array;
  constructor(length: number) {
    this.sums = new Float64Array(length);
    this.sizes = new Float64Array(length);
  }
  add(to: number, a = 0, b = 0): void {
    this.sums[to] = (this.sums[to] as number) + a * b;
    this.sizes[to] = (this.sizes[to] as number) + Math.abs(a * b);
  }
  /** |actual − Σ| within `tolerance`·Σ|a·b|, element by element. */
  expect(actual: ArrayLike<number>, tolerance: number): void {
    expect(actual.length).toBe(this.sums.length);
    for (let i = 0; i < actual.length; i++) {
      const allowed = tolerance * (this.sizes[i] as number);
      const difference = Math.abs((actual[i] as number) - (this.sums[i] as number));
      if (!(difference <= allowed)) {
        expect.fail(`element ${i}: ${actual[i]} differs from ${this.sums[i]} by ${difference}, allowed ${allowed}`);
      }
    }
  }
}

/** Runs a kernel; its output's values. No tensor and no block may be left. */
function run(name: string, inputs: Record<string, [Float32Array, number[]]>, attributes: object, shape: number[]) {
  const tensorsBefore = tf.memory().numTensors;
  const blocksBefore = memory().blocksInUse;
  const tensors: tf.NamedTensorMap = {};
  for (const [key, [array, own]] of Object.entries(inputs)) tensors[key] = tf.tensor(array, own);
  const y: tf.Tensor = tf.engine().runKernel(name, tensors, attributes as tf.NamedAttrMap);
  expect(y.shape).toEqual(shape);
  const result = y.dataSync();
  y.dispose();
  tf.dispose(tensors);
  expect(tf.memory().numTensors, 'tensors').toBe(tensorsBefore);
  // Reordered copies of a filter go with the filter.
  expect(memory().blocksInUse, 'blocks').toBe(blocksBefore);
  return result;
}

function check(one: Case): void {
  const { strides, dilations, pad, depthwise } = { ...defaults, ...one };
  const outShape = outShapeOf(one);
  const x = values(size(one.x), 1);
  const filter = values(size(one.filter), 2);
  const dy = values(size(outShape), 3);
  const forward = new Sums(dy.length);
  const ofInput = new Sums(x.length);
  const ofFilter = new Sums(filter.length);
  forEachProduct(one, (i, f, o) => {
    forward.add(o, x[i], filter[f]);
    ofInput.add(i, dy[o], filter[f]);
    ofFilter.add(f, dy[o], x[i]);
  });
  const names = depthwise
    ? ['DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter']
    : ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter'];
  const core = { strides, dilations, pad: [[0, 0], ...pad, [0, 0]], dataFormat: 'NHWC' };
  const variants: [string[], object][] = [[names, core]];
  if (!depthwise) {
    variants.push([['BagConv2D', 'BagConv2DBackpropInput', 'BagConv2DBackpropFilter'], { strides, dilations, pad }]);
  }
  const backend = tf.backend() as unknown as OnednnBackend;
  backend.forwarded.clear();
  for (const [[convolution, toInput, toFilter], attributes] of variants as [[string, string, string], object][]) {
    forward.expect(run(convolution, { x: [x, one.x], filter: [filter, one.filter] }, attributes, outShape), 2e-6);
    ofInput.expect(
      run(toInput, { dy: [dy, outShape], filter: [filter, one.filter] }, { ...attributes, inputShape: one.x }, one.x),
      2e-6,
    );
    ofFilter.expect(
      run(toFilter, { x: [x, one.x], dy: [dy, outShape] }, { ...attributes, filterShape: one.filter }, one.filter),
      2e-6,
    );
  }
  expect([...backend.forwarded]).toEqual([]);
}

describe('convolution with both gradients', () => {
  it.each<[string, Case]>([
    ['1×1', { x: [2, 5, 6, 16], filter: [1, 1, 16, 32] }],
    ['1×1, strided, with a rest', { x: [1, 8, 7, 17], filter: [1, 1, 17, 5], strides: [2, 2] }],
    ['3×3 padded', { x: [2, 7, 9, 8], filter: [3, 3, 8, 16], pad: [[1, 1], [1, 1]] }],
    ['the stem: 7×7, 2 apart', { x: [1, 20, 20, 3], filter: [7, 7, 3, 16], strides: [2, 2], pad: [[3, 3], [3, 3]] }],
    ['asymmetric padding', { x: [1, 6, 5, 3], filter: [3, 2, 3, 1], pad: [[0, 2], [1, 0]] }],
    ['padding beyond the filter', { x: [1, 3, 3, 4], filter: [2, 2, 4, 4], pad: [[3, 2], [2, 3]] }],
    ['dilated', { x: [2, 11, 10, 5], filter: [3, 3, 5, 7], dilations: [2, 3], pad: [[2, 2], [3, 3]] }],
    ['dilated and strided', { x: [1, 12, 13, 3], filter: [3, 2, 3, 17], dilations: [2, 3], strides: [2, 3] }],
    ['strides that leave a rest', { x: [3, 10, 11, 1], filter: [3, 3, 1, 3], strides: [4, 3] }],
    ['strides beyond the filter', { x: [1, 9, 9, 5], filter: [1, 2, 5, 5], strides: [3, 4] }],
    ['one channel to one', { x: [1, 4, 4, 1], filter: [2, 2, 1, 1] }],
    ['one pixel', { x: [1, 1, 1, 17], filter: [1, 1, 17, 3] }],
    ['the whole image', { x: [2, 5, 4, 3], filter: [5, 4, 3, 9] }],
  ] as [string, Case][])('%s', (_, one) => {
    check(one);
  }); // prettier-ignore

  it.each([1, 2, 3])('depthwise with multiplier %i', (multiplier) => {
    for (const channels of [1, 3, 5, 16, 17]) {
      check({ x: [2, 6, 7, channels], filter: [3, 3, channels, multiplier], pad: [[1, 1], [1, 1]], depthwise: true }); // prettier-ignore
      check({ x: [1, 8, 7, channels], filter: [3, 2, channels, multiplier], strides: [2, 2], depthwise: true });
    }
    check({ x: [1, 9, 9, 4], filter: [3, 3, 4, multiplier], dilations: [2, 2], pad: [[2, 1], [0, 2]], depthwise: true }); // prettier-ignore
  });

  it('is right for any geometry', () => {
    const upTo = (least: number, most: number) => fc.integer({ min: least, max: most });
    const axis = fc
      .tuple(upTo(1, 4), upTo(1, 3), upTo(1, 3), upTo(0, 3), upTo(0, 3), upTo(0, 6))
      .map(([window, stride, dilation, before, after, more]) => ({
        window,
        stride,
        dilation,
        pad: [before, after] as Pair,
        size: Math.max(1, (window - 1) * dilation + 1 - before - after) + more,
      }));
    const channels = fc.constantFrom(1, 2, 3, 5, 8, 16, 17, 33);
    fc.assert(
      fc.property(
        upTo(1, 3),
        channels,
        channels,
        axis,
        axis,
        fc.boolean(),
        (batch, from, to, rows, columns, depthwise) => {
          check({
            x: [batch, rows.size, columns.size, from],
            filter: [rows.window, columns.window, from, depthwise ? 1 + (to % 3) : to],
            strides: [rows.stride, columns.stride],
            dilations: [rows.dilation, columns.dilation],
            pad: [rows.pad, columns.pad],
            depthwise,
          });
        },
      ),
      { numRuns: 60, seed: 3 },
    );
  });

  it('keeps NaN and ∞ where they belong', () => {
    const x = new Float32Array(2 * 3 * 3 * 2).fill(1);
    x[4 * 2] = NaN; // the first image's centre
    x[18] = Infinity; // the second image's corner
    const filter = new Float32Array(2 * 2 * 2 * 3).fill(1);
    const y = run('Conv2D', { x: [x, [2, 3, 3, 2]], filter: [filter, [2, 2, 2, 3]] }, { strides: 1, pad: 'valid', dilations: 1 }, [2, 2, 2, 3]); // prettier-ignore
    const eight = Array<number>(9).fill(8);
    expect(Array.from(y)).toEqual([...Array<number>(12).fill(NaN), Infinity, Infinity, Infinity, ...eight]);
  });
});

describe.each(['FusedConv2D', 'FusedDepthwiseConv2D'])('%s', (name) => {
  const depthwise = name === 'FusedDepthwiseConv2D';
  const one: Case = { x: [2, 5, 8, 3], filter: depthwise ? [2, 3, 3, 2] : [2, 3, 3, 6], depthwise };
  const outShape = outShapeOf(one);
  const attributes = { strides: 1, pad: 'valid', dilations: 1, dataFormat: 'NHWC', leakyreluAlpha: 0.3 };

  it.each(Object.keys(activations))('adds a bias and applies %s', (activation) => {
    const x = values(size(one.x), 1);
    const filter = values(size(one.filter), 2);
    const y = new Float64Array(size(outShape));
    forEachProduct(one, (i, f, o) => {
      y[o] = (y[o] as number) + (x[i] as number) * (filter[f] as number);
    });
    for (const shape of [undefined, [6], [1, 1, 1, 6], [6, 1], [], [2, 4, 6, 6]]) {
      const bias = shape === undefined ? undefined : values(size(shape), 4);
      // Where a bias is broadcast, counted from the last axis.
      const biasAt = (i: number) => {
        if (shape === undefined || bias === undefined) return 0;
        let index = 0;
        let step = 1;
        let rest = i;
        for (let axis = 3, own = shape.length - 1; axis >= 0; axis--, own--) {
          const at = rest % (outShape[axis] as number);
          rest = Math.floor(rest / (outShape[axis] as number));
          if (own >= 0 && shape[own] !== 1) index += at * step;
          step *= shape[own] ?? 1;
        }
        return bias[index] as number;
      };
      const inputs: Record<string, [Float32Array, number[]]> = { x: [x, one.x], filter: [filter, one.filter] };
      if (bias !== undefined && shape !== undefined) inputs['bias'] = [bias, shape];
      if (activation === 'prelu') inputs['preluActivationWeights'] = [Float32Array.of(0.25), []];
      const { forwarded } = tf.backend() as unknown as OnednnBackend;
      forwarded.clear();
      const actual = run(name, inputs, { ...attributes, activation }, outShape);
      expect(forwarded.has(name)).toBe(
        (shape !== undefined && shape.at(-1) !== 6) || (shape?.length === 4 && shape[0] === 2),
      );
      const f = activations[activation] as (v: number) => number;
      const expected = y.map((value, i) => f(value + biasAt(i)));
      expectAllClose(actual, expected, { absolute: 2e-5 });
    }
  });

  it.each(Object.keys(activations))('takes NaN, ∞ and small numbers through %s', (activation) => {
    const special = [NaN, Infinity, -Infinity, -100, 100, 7, 6, 1e-8, -1e-8, 0];
    const x = Float32Array.from(special.flatMap((v) => [v, v]));
    const filter = depthwise ? Float32Array.of(1, 1) : Float32Array.of(1, 1, 0, 0);
    if (!depthwise) for (let i = 1; i < x.length; i += 2) x[i] = 0;
    const shape: Shape = [1, special.length, 1, 2];
    const inputs: Record<string, [Float32Array, number[]]> = {
      x: [x, shape],
      filter: [filter, depthwise ? [1, 1, 2, 1] : [1, 1, 2, 2]],
    };
    if (activation === 'prelu') inputs['preluActivationWeights'] = [Float32Array.of(0.25), []];
    const y = run(name, inputs, { ...attributes, activation }, shape);
    const f = activations[activation] as (v: number) => number;
    special.forEach((v, i) => {
      const expected = Math.fround(f(v));
      for (const actual of [y[2 * i], y[2 * i + 1]]) {
        if (Number.isFinite(expected))
          expect(actual).toSatisfy((a: number) => Math.abs(a - expected) <= 1e-6 * Math.abs(expected)); // prettier-ignore
        else expect(actual).toBe(expected);
      }
    });
  });
});
