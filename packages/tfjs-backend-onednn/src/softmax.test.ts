import { expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

function softmaxOf(row: number[]): number[] {
  const largest = Math.max(...row);
  const terms = row.map((v) => Math.exp(v - largest));
  const sum = terms.reduce((a, b) => a + b, 0);
  return terms.map((v) => v / sum);
}

function logSoftmaxOf(row: number[]): number[] {
  const largest = Math.max(...row);
  const logSum = Math.log(row.reduce((sum, v) => sum + Math.exp(v - largest), 0));
  return row.map((v) => v - largest - logSum);
}

const kernels = {
  // Up to 128 terms are added up as floats, in one chain where the compiler does not make vectors of it.
  Softmax: { of: softmaxOf, axis: 'dim', tolerance: { relative: 5e-7, absolute: 1e-38 } },
  LogSoftmax: { of: logSoftmaxOf, axis: 'axis', tolerance: { relative: 3e-7, absolute: 3e-7 } },
} as const;

describe.each(['Softmax', 'LogSoftmax'] as const)('%s', (name) => {
  const { of, axis, tolerance } = kernels[name];
  const run = (logits: tf.Tensor, along = -1) => tf.engine().runKernel<tf.Tensor>(name, { logits }, { [axis]: along });

  test.each([
    [1, [1]],
    [1, [5, 1]],
    [3, [2, 7]],
    [80, [3, 2, 8]],
    [10_000, [2, 33]],
    [20, [64, 1000]],
    [1, [1, 1, 1, 1, 2, 3]],
    // Larger than the cache: in rows of whole vectors, of not whole ones, and too long to be made beside the result.
    [4, [1700, 1000]],
    [4, [1700, 1001]],
    [4, [400, 4104]],
  ])('of values to ±%d, shape %j', async (scale, shape) => {
    const size = tf.util.sizeFromShape(shape);
    const data = Array.from({ length: size }, (_, i) => Math.fround(scale * Math.sin(1.3 * i + 0.2)));
    const length = shape[shape.length - 1] as number;
    await expectNoLeak(async () => {
      const x = tf.tensor(data, shape);
      const y = run(x);
      expect(y.shape).toEqual(shape);
      const expected = Array.from({ length: size / length }, (_, i) => of(data.slice(i * length, (i + 1) * length)));
      // x − max is rounded before the exponential makes a factor of it.
      const relative = tolerance.relative + 1.2e-7 * Math.min(scale, 104);
      expectAllClose(await y.data(), expected.flat(), { ...tolerance, relative });
      tf.dispose([x, y]);
    });
  });

  test('over another axis than the last', async () => {
    await expectNoLeak(async () => {
      const x = tf.tensor([1, 2, 3, 4, 6, 8], [2, 3, 1]);
      const y = run(x, 1);
      expectAllClose(await y.data(), [...of([1, 2, 3]), ...of([4, 6, 8])], tolerance);
      const z = run(x, 0);
      const columns = [of([1, 4]), of([2, 6]), of([3, 8])] as [number, number][];
      expectAllClose(await z.data(), [...columns.map(([v]) => v), ...columns.map(([, v]) => v)], tolerance);
      tf.dispose([x, y, z]);
    });
  });

  test('NaN and ∞ spoil their row alone; −∞ is a probability of 0', async () => {
    const x = tf.tensor2d([0, NaN, 0, Infinity, -Infinity, -Infinity, 0, -Infinity], [4, 2]);
    const y = run(x);
    const last = name === 'Softmax' ? [1, 0] : [0, -Infinity];
    expectAllClose(await y.data(), [NaN, NaN, NaN, NaN, NaN, NaN, ...last]);
    tf.dispose([x, y]);
  });

  test('of nothing', () => {
    const x = tf.zeros([0, 3]);
    const y = run(x);
    expect(y.shape).toEqual([0, 3]);
    tf.dispose([x, y]);
  });
});

test('the exponential is right to two units in the last place, down to the smallest numbers', async () => {
  // A row [0, v] with v ≤ 0: its softmax is eᵛ/(1 + eᵛ), at 1/(1 + eᵛ).
  const v = Array.from({ length: 2101 }, (_, i) => Math.fround(-i / 20));
  const x = tf.tensor2d(
    v.map((value) => [0, value]),
    [v.length, 2],
  );
  const y = tf.softmax(x);
  const expected = v.flatMap((value) => [1 / (1 + Math.exp(value)), Math.exp(value) / (1 + Math.exp(value))]);
  // Below 1.2e-38 floats have fewer digits.
  expectAllClose(await y.data(), expected, { relative: 3e-7, absolute: 1.5e-45 });
  tf.dispose([x, y]);
});
