import { expectAllClose } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { noise } from './fixtures/noise.js';
import { memory, type OnednnBackend } from './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

beforeEach(() => {
  backend().forwarded.clear();
});

const backend = () => tf.backend() as unknown as OnednnBackend;

interface Case {
  shape: [number, number, number, number];
  window: [number, number];
  strides: [number, number];
  /** [top, bottom], [left, right] */
  pad: [[number, number], [number, number]];
}

interface Window {
  /** Indices into the values, in rows. */
  pixels: number[];
}

/** The windows of every output value, in the output's order, and the output's shape. */
function windows({ shape: [batch, height, width, channels], window, strides, pad }: Case) {
  const count = (size: number, axis: 0 | 1) =>
    Math.floor((size + pad[axis][0] + pad[axis][1] - window[axis]) / strides[axis]) + 1;
  const [rows, columns] = [count(height, 0), count(width, 1)];
  const result: Window[] = [];
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        for (let c = 0; c < channels; c++) {
          const pixels: number[] = [];
          for (let u = 0; u < window[0]; u++)
            for (let v = 0; v < window[1]; v++) {
              const row = i * strides[0] - pad[0][0] + u;
              const column = j * strides[1] - pad[1][0] + v;
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              pixels.push(((b * height + row) * width + column) * channels + c);
            }
          result.push({ pixels });
        }
  return { shape: [batch, rows, columns, channels] as [number, number, number, number], windows: result };
}

/** The first pixel above all before it; NaNs and −∞ are none. */
function winner(pixels: number[], values: ArrayLike<number>): number | undefined {
  let best = -Infinity;
  let where: number | undefined;
  for (const pixel of pixels) {
    if ((values[pixel] as number) > best) {
      best = values[pixel] as number;
      where = pixel;
    }
  }
  return where;
}

const grad4d = (f: (x: tf.Tensor4D) => tf.Tensor) => tf.grad((x) => f(x as tf.Tensor4D));

const size = (shape: number[]) => shape.reduce((a, b) => a * b, 1);

/** Deterministic values of few levels, so that ties occur, or of many. */
function valuesOf(length: number, seed: number, levels?: number): Float32Array {
  if (levels === undefined) return noise(length, seed, 0, 2);
  return noise(length, seed, 0.5, 0.5).map((unit) => Math.floor(unit * levels) - 1);
}

/** Runs a kernel on float32 inputs; its outputs as typed arrays, with no tensor or block left. */
function run(
  name: string,
  inputs: Record<string, [ArrayLike<number>, number[]]>,
  { window, strides, pad }: Omit<Case, 'shape'>,
  extra: object = {},
): { shape: number[]; dtype: string; values: ArrayLike<number> }[] {
  const tensorsBefore = tf.memory().numTensors;
  const blocksBefore = memory().blocksInUse;
  const tensors: tf.NamedTensorMap = {};
  for (const [key, [values, shape]] of Object.entries(inputs)) tensors[key] = tf.tensor(Array.from(values), shape);
  const attributes = { filterSize: window, strides, pad: [[0, 0], ...pad, [0, 0]], ...extra };
  const outputs = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, tensors, attributes);
  const result = [outputs].flat().map((t) => ({ shape: t.shape, dtype: t.dtype, values: t.dataSync() }));
  tf.dispose([outputs, tensors] as tf.TensorContainer);
  expect(tf.memory().numTensors, 'tensors').toBe(tensorsBefore);
  expect(memory().blocksInUse, 'blocks').toBe(blocksBefore);
  return result;
}

function check(one: Case, levels?: number): void {
  const { shape } = one;
  const { shape: outShape, windows: all } = windows(one);
  const x = valuesOf(size(shape), 1, levels);
  const dy = valuesOf(size(outShape), 2);
  const of = (pixels: number[]) => pixels.map((pixel) => x[pixel] as number);
  const places = all.map(({ pixels }) => winner(pixels, x));

  const [max] = run('MaxPool', { x: [x, shape] }, one);
  expect(max?.shape).toEqual(outShape);
  const maxima = all.map(({ pixels }) => Math.max(-Infinity, ...of(pixels)));
  expect(Array.from(max?.values ?? [])).toEqual(maxima);

  const dMax = new Float64Array(x.length);
  places.forEach((place, i) => {
    if (place !== undefined) dMax[place] = (dMax[place] as number) + (dy[i] as number);
  });
  const [dxMax] = run('MaxPoolGrad', { dy: [dy, outShape], input: [x, shape], output: [maxima, outShape] }, one);
  expectAllClose(dxMax?.values ?? [], dMax, { relative: 1e-6, absolute: 1e-6 });

  const imageSize = size(shape.slice(1));
  for (const includeBatchInIndex of [false, true]) {
    const [y, positions] = run('MaxPoolWithArgmax', { x: [x, shape] }, one, { includeBatchInIndex });
    expect(Array.from(y?.values ?? [])).toEqual(maxima);
    expect(positions?.dtype).toBe('int32');
    const expected = places.map((place) => (includeBatchInIndex ? (place ?? -1) : (place ?? -1) % imageSize));
    expect(Array.from(positions?.values ?? [])).toEqual(expected);
  }

  const [mean] = run('AvgPool', { x: [x, shape] }, one);
  const means = all.map(({ pixels }) => of(pixels).reduce((a, b) => a + b, 0) / pixels.length);
  expect(mean?.shape).toEqual(outShape);
  expectAllClose(mean?.values ?? [], means, { relative: 1e-7, absolute: 1e-12 });

  const dMean = new Float64Array(x.length);
  const share = 1 / (one.window[0] * one.window[1]);
  all.forEach(({ pixels }, i) => {
    for (const pixel of pixels) dMean[pixel] = (dMean[pixel] as number) + (dy[i] as number) * share;
  });
  const [dxMean] = run('AvgPoolGrad', { dy: [dy, outShape], input: [x, shape] }, one);
  expectAllClose(dxMean?.values ?? [], dMean, { relative: 1e-6, absolute: 1e-6 });
  expect([...backend().forwarded]).toEqual([]);
}

describe('pools', () => {
  const none: Case['pad'] = [
    [0, 0],
    [0, 0],
  ];
  const ones: Case['pad'] = [
    [1, 1],
    [1, 1],
  ];
  it.each<[string, Case]>([
    ['3×3, 2 apart, padded', { shape: [2, 12, 12, 64], window: [3, 3], strides: [2, 2], pad: ones }],
    ['windows that overlap', { shape: [2, 7, 9, 17], window: [3, 3], strides: [1, 1], pad: ones }],
    ['windows with gaps between', { shape: [1, 11, 10, 5], window: [2, 1], strides: [3, 4], pad: none }],
    ['a rest that no window covers', { shape: [2, 8, 7, 8], window: [3, 2], strides: [3, 2], pad: none }],
    ['the whole image', { shape: [3, 7, 7, 33], window: [7, 7], strides: [1, 1], pad: none }],
    ['one pixel, every second', { shape: [2, 5, 5, 16], window: [1, 1], strides: [2, 2], pad: none }],
    ['one channel', { shape: [4, 6, 5, 1], window: [2, 2], strides: [2, 1], pad: none }],
    ['three channels', { shape: [1, 9, 9, 3], window: [5, 4], strides: [2, 3], pad: [[0, 1], [2, 0]] }], // prettier-ignore
    ['several threads, one image', { shape: [1, 48, 48, 16], window: [3, 3], strides: [2, 2], pad: ones }],
    ['several threads, several images', { shape: [3, 23, 21, 24], window: [4, 3], strides: [1, 2], pad: ones }],
  ])('%s', (_, one) => {
    check(one);
    check(one, 3);
  });

  it('are right for any geometry', () => {
    const upTo = (least: number, most: number) => fc.integer({ min: least, max: most });
    const axis = fc
      .tuple(upTo(1, 5), upTo(1, 4), upTo(0, 2), upTo(0, 2), upTo(0, 7))
      .map(([window, stride, before, after, more]) => ({
        window,
        stride,
        pad: [before, after] as [number, number],
        size: Math.max(1, window - before - after) + more,
      }));
    fc.assert(
      fc.property(upTo(1, 3), upTo(1, 19), axis, axis, upTo(1, 4), (batch, channels, rows, columns, levels) => {
        check(
          {
            shape: [batch, rows.size, columns.size, channels],
            window: [rows.window, columns.window],
            strides: [rows.stride, columns.stride],
            pad: [rows.pad, columns.pad],
          },
          levels,
        );
      }),
      { numRuns: 150, seed: 7 },
    );
  });

  it('pass over NaNs when they look for a maximum, and let them into a mean', () => {
    const one: Case = { shape: [1, 2, 4, 1], window: [2, 2], strides: [2, 2], pad: none };
    const x = [NaN, 1, NaN, NaN, 3, NaN, NaN, NaN];
    expect(run('MaxPool', { x: [x, one.shape] }, one)[0]?.values).toEqual(Float32Array.of(3, -Infinity));
    expect(run('AvgPool', { x: [x, one.shape] }, one)[0]?.values).toEqual(Float32Array.of(NaN, NaN));
    const [, positions] = run('MaxPoolWithArgmax', { x: [x, one.shape] }, one, { includeBatchInIndex: false });
    expect(positions?.values).toEqual(Int32Array.of(4, -1));
    const [dx] = run(
      'MaxPoolGrad',
      {
        dy: [
          [5, 7],
          [1, 1, 2, 1],
        ],
        input: [x, one.shape],
        output: [
          [3, -Infinity],
          [1, 1, 2, 1],
        ],
      },
      one,
    );
    expect(dx?.values).toEqual(Float32Array.of(0, 0, 0, 0, 5, 0, 0, 0));
  });

  it('take infinities, and give a NaN gradient to the maximum alone', () => {
    const one: Case = { shape: [1, 1, 4, 1], window: [1, 2], strides: [1, 2], pad: none };
    const x = [-Infinity, Infinity, -Infinity, -Infinity];
    expect(run('MaxPool', { x: [x, one.shape] }, one)[0]?.values).toEqual(Float32Array.of(Infinity, -Infinity));
    const outShape = [1, 1, 2, 1];
    const inputs = { dy: [[NaN, 1], outShape], input: [x, one.shape], output: [[Infinity, -Infinity], outShape] };
    expect(run('MaxPoolGrad', inputs as never, one)[0]?.values).toEqual(Float32Array.of(0, NaN, 0, 0));
  });

  it('give −∞ and NaN for windows that lie in the padding', () => {
    const one: Case = { shape: [1, 1, 1, 9], window: [1, 1], strides: [1, 1], pad: [[0, 0], [1, 0]] }; // prettier-ignore
    const x = valuesOf(9, 3);
    const [max] = run('MaxPool', { x: [x, one.shape] }, one);
    expect(Array.from(max?.values ?? [])).toEqual([...Array<number>(9).fill(-Infinity), ...x]);
    const [mean] = run('AvgPool', { x: [x, one.shape] }, one);
    expect(Array.from(mean?.values ?? [])).toEqual([...Array<number>(9).fill(NaN), ...x]);
  });

  it.each(['int32', 'bool'] as const)('find the maxima of %s', (dtype) => {
    tf.tidy(() => {
      const values = dtype === 'bool' ? [0, 1, 0, 0, 0, 0, 0, 0] : [-5, -3, 2 ** 31 - 1, 0, -9, -7, -(2 ** 31), 1];
      const y = tf.maxPool(tf.tensor4d(values, [1, 2, 4, 1], dtype), 2, 2, 'valid');
      expect(y.dtype).toBe(dtype);
      expect(Array.from(y.dataSync())).toEqual(dtype === 'bool' ? [1, 0] : [-3, 2 ** 31 - 1]);
    });
    expect([...backend().forwarded]).toEqual([]);
  });

  it('give an image itself where a window is one pixel', () => {
    const x = tf.tensor4d([1, NaN, 3, 4], [1, 2, 2, 1]);
    for (const y of [tf.maxPool(x, 1, 1, 'same'), tf.avgPool(x, 1, 1, 'valid')]) {
      expect(y.dataSync()).toEqual(Float32Array.of(1, NaN, 3, 4));
      y.dispose();
    }
    expect(x.dataSync()).toEqual(Float32Array.of(1, NaN, 3, 4));
    x.dispose();
  });

  it.each(['floor', 'ceil', 'round'] as const)('round the number of windows by %s', (rounding) => {
    tf.tidy(() => {
      const x = tf.tensor4d(valuesOf(6 * 6 * 2, 4), [1, 6, 6, 2]);
      const y = tf.maxPool(x, 3, 2, 1, rounding);
      // (6 + 2·1 − 3)/2 + 1 = 3.5
      expect(y.shape).toEqual([1, rounding === 'floor' ? 3 : 4, rounding === 'floor' ? 3 : 4, 2]);
      const dx = grad4d((t) => tf.maxPool(t, 3, 2, 1, rounding).sum())(x);
      expect(dx.sum().dataSync()[0]).toBe(y.size);
    });
  });

  it('have gradients through the usual operations, also with `same` padding', () => {
    tf.tidy(() => {
      const x = tf.tensor4d([1, 5, 2, 3, 4, 9, 6, 7, 8], [1, 3, 3, 1]);
      const max = grad4d((t) => tf.maxPool(t, 2, 2, 'same'))(x);
      expect(max.dataSync()).toEqual(Float32Array.of(0, 1, 0, 0, 0, 1, 0, 1, 1));
      // Every window counts as four pixels, also at the border.
      const mean = grad4d((t) => tf.avgPool(t, 2, 2, 'same'))(x);
      expect(mean.dataSync()).toEqual(new Float32Array(9).fill(0.25));
    });
  });

  it('take images without pixels or channels', () => {
    tf.tidy(() => {
      expect(tf.maxPool(tf.zeros<tf.Rank.R4>([0, 4, 4, 3]), 2, 2, 'valid').shape).toEqual([0, 2, 2, 3]);
      expect(tf.avgPool(tf.zeros<tf.Rank.R4>([2, 4, 4, 0]), 2, 2, 'valid').shape).toEqual([2, 2, 2, 0]);
      const dx = grad4d((t) => tf.maxPool(t, 4, 1, 'valid'))(tf.zeros<tf.Rank.R4>([1, 3, 3, 2]));
      expect(dx.dataSync()).toEqual(new Float32Array(18));
    });
  });

  it('give the same bits every time', () => {
    tf.tidy(() => {
      const x = tf.tensor4d(valuesOf(2 * 30 * 30 * 32, 5, 3), [2, 30, 30, 32]);
      const dx = () => grad4d((t) => tf.maxPool(t, 3, 1, 'same').square())(x).dataSync();
      const again = dx();
      expect(dx().every((value, i) => value === again[i])).toBe(true);
    });
  });
});
