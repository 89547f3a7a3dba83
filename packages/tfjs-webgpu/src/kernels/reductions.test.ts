import { expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeOnWebGpu, onBoth } from '../fixtures/on-webgpu.js';

const normal = (shape: number[], seed = 1) => tf.randomNormal(shape, 0, 1, 'float32', seed);

describeOnWebGpu('Sum and Mean', () => {
  test('over any axes, as on the cpu backend', async () => {
    const shape = [3, 4, 5, 6];
    const axes = fc.subarray([0, 1, 2, 3], { minLength: 0 });
    await fc.assert(
      fc.asyncProperty(axes, fc.boolean(), fc.constantFrom(tf.sum, tf.mean), async (axis, keepDims, f) => {
        const [actual, expected] = await onBoth(() => f(normal(shape), axis, keepDims));
        expectAllClose(actual, expected, { relative: 1e-5, absolute: 1e-5 });
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  test.each([
    ['all', [3_000_000], undefined],
    ['rows', [3, 300_000], 1],
    ['columns', [300_000, 3], 0],
  ] as const)('long sums keep six digits: %s', async (_, shape, axis) => {
    const sums = tf.tidy(() => tf.sum(tf.fill([...shape], 0.1), axis));
    const n = shape.length === 1 ? 3_000_000 : 300_000;
    const exact = n * Math.fround(0.1);
    expectAllClose(await sums.data(), Array<number>(sums.size).fill(exact), { relative: 2e-6 });
    sums.dispose();
  });

  test('integers are added as such: 2²⁴ + 1 + 1, and bools are counted', async () => {
    const sums = tf.tidy(() =>
      tf.stack([tf.sum(tf.tensor1d([2 ** 24, 1, 1], 'int32')), tf.sum(tf.tensor1d([true, false, true], 'bool'))]),
    );
    expect([sums.dtype, ...(await sums.data())]).toEqual(['int32', 2 ** 24 + 2, 2]);
    sums.dispose();
  });

  test('of nothing', async () => {
    const sums = tf.tidy(() => tf.sum(tf.ones([0, 3]), 0));
    expect([...(await sums.data())]).toEqual([0, 0, 0]);
    sums.dispose();
  });
});

describeOnWebGpu('ArgMax and ArgMin', () => {
  test.each([5, 31, 32, 200, 1000])('the first of equal values, of %i', async (size) => {
    const values = Float32Array.from({ length: 3 * size }, (_, i) => (i * i) % 7);
    for (const f of [tf.argMax, tf.argMin]) {
      for (const [shape, axis] of [
        [[3, size], 1],
        [[size, 3], 0],
      ] as const) {
        const [actual, expected] = await onBoth(() => f(tf.tensor(values, [...shape]), axis));
        expect(actual).toEqual(expected);
      }
    }
  });

  test('integers that float32 does not tell apart', async () => {
    const x = () => tf.tensor1d([2 ** 24, 2 ** 24 + 1, 2 ** 24 - 1], 'int32');
    const at = tf.tidy(() => tf.stack([tf.argMax(x()), tf.argMin(x())]));
    expect([...(await at.data())]).toEqual([1, 2]);
    at.dispose();
  });
});

describeOnWebGpu('Softmax', () => {
  test('as on the cpu backend, far from 0 too', async () => {
    const [actual, expected] = await onBoth(() => tf.softmax(tf.mul(normal([7, 100]), 50)));
    expectAllClose(actual, expected, { relative: 1e-4, absolute: 1e-7 });
  });

  test('a NaN spoils its own row only', async () => {
    const y = tf.tidy(() => tf.softmax(tf.tensor2d([[NaN, 1, 2], [0, 0, 0]]))); // prettier-ignore
    const values = await y.data();
    expect(Array.from(values.slice(0, 3), Number.isNaN)).toEqual([true, true, true]);
    expectAllClose(values.slice(3), [1 / 3, 1 / 3, 1 / 3], { relative: 1e-6 });
    y.dispose();
  });
});

describeOnWebGpu('AddN', () => {
  test.each([1, 2, 11, 12, 50])('%i tensors', async (count) => {
    const terms = Array.from({ length: count }, (_, i) => tf.fill([3], i + 1));
    const sum = await expectNoLeak(() => tf.addN(terms), 1);
    expect([...(await sum.data())]).toEqual(Array(3).fill((count * (count + 1)) / 2));
    tf.dispose([sum, terms]);
  });
});

describeOnWebGpu('Cumsum and Cumprod', () => {
  test('from the end, of one length after another', async () => {
    for (const length of [4, 3, 7, 1]) {
      for (const f of [tf.cumsum, tf.cumprod]) {
        const [actual, expected] = await onBoth(() => f(tf.range(1, length + 1), 0, length === 3, true));
        expect(actual).toEqual(expected);
      }
    }
  });
});
