import { expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

interface Options {
  exclusive: boolean;
  reverse: boolean;
}

function cumulated(data: number[], shape: number[], axis: number, product: boolean, options: Options): number[] {
  const length = shape[axis] as number;
  const inner = tf.util.sizeFromShape(shape.slice(axis + 1));
  const result = Array<number>(data.length);
  for (let line = 0; line < data.length / length; line++) {
    const start = Math.floor(line / inner) * length * inner + (line % inner);
    let total = product ? 1 : 0;
    for (let k = 0; k < length; k++) {
      const i = start + (options.reverse ? length - 1 - k : k) * inner;
      const value = data[i] as number;
      const next = product ? total * value : total + value;
      result[i] = options.exclusive ? total : next;
      total = next;
    }
  }
  return result;
}

describe.each(['cumsum', 'cumprod'] as const)('%s', (name) => {
  test.each([
    [[6], 0],
    [[1], 0],
    [[3, 5], 0],
    [[3, 5], 1],
    [[2, 9, 1100], 1],
    [[4, 513], 0],
    [[40, 1000], 1],
    [[2, 3, 2, 3, 2, 2], 2],
    [[0, 3], 1],
  ])('of %j along %d', async (shape, axis) => {
    for (const exclusive of [false, true]) {
      for (const reverse of [false, true]) {
        for (const dtype of ['float32', 'int32', 'bool'] as const) {
          const data = Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) =>
            dtype === 'float32'
              ? Math.fround(1 + 0.01 * Math.sin(i))
              : dtype === 'bool'
                ? Number(i % 7 !== 5)
                : name === 'cumprod'
                  ? [1, -1, 1, 1][i % 4]
                  : (i * 7919) % 1000,
          ) as number[];
          await expectNoLeak(async () => {
            const x = tf.tensor(data, shape, dtype);
            const y = tf
              .engine()
              .runKernel<tf.Tensor>(name === 'cumsum' ? 'Cumsum' : 'Cumprod', { x }, { axis, exclusive, reverse });
            expect(y.shape).toEqual(shape);
            expect(y.dtype).toBe(dtype === 'float32' ? 'float32' : 'int32');
            const expected = cumulated(data, shape, axis, name === 'cumprod', { exclusive, reverse });
            // A sum is rounded once, a product at each of up to 1100 steps.
            const relative = dtype !== 'float32' ? 0 : name === 'cumsum' ? 6e-8 : 3e-6;
            expectAllClose(await y.data(), expected, { relative });
            tf.dispose([x, y]);
          });
        }
      }
    }
  });
});

test('integers wrap as those of JavaScript do, NaN and ∞ stay', async () => {
  const integers = tf.tensor1d([2 ** 31 - 1, 2, 5], 'int32');
  const sum = tf.cumsum(integers);
  const product = tf.cumprod(integers);
  expect([...(await sum.data())]).toEqual([2 ** 31 - 1, -(2 ** 31) + 1, -(2 ** 31) + 6]);
  expect([...(await product.data())]).toEqual([2 ** 31 - 1, -2, -10]);
  const floats = tf.tensor1d([1, Infinity, 2, NaN, 1]);
  const sums = tf.cumsum(floats);
  expectAllClose(await sums.data(), [1, Infinity, Infinity, NaN, NaN]);
  tf.dispose([integers, sum, product, floats, sums]);
});
