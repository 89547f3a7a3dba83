import { expectAllClose } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { activations } from './fixtures/activations.js';
import {
  type Case,
  check,
  forEachProduct,
  outShapeOf,
  type Pair,
  run,
  type Shape,
  size,
  values,
} from './fixtures/convolution.js';
import { type OnednnBackend, setThreads, threads } from './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

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

  it('1×1, strided, on few channels: the same filter gradient every time, on any number of threads', () => {
    const before = threads();
    try {
      for (const channels of [3, 4, 12]) {
        const one: Case = { x: [4, 8, 8, channels], filter: [1, 1, channels, 8], strides: [2, 2] };
        for (const count of [2, 3, 4]) {
          setThreads(count);
          for (let i = 0; i < 15; i++) check(one);
        }
      }
    } finally {
      setThreads(before);
    }
  });

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
