import { maxPool } from '@bag/ops';
import { expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeOnWebGpu, onBoth } from '../fixtures/on-webgpu.js';

const grad = (f: (x: tf.Tensor4D) => tf.Tensor, x: tf.Tensor4D) =>
  tf.grad((t) => {
    const y = f(t as tf.Tensor4D);
    return tf.sum(tf.mul(y, tf.reshape(tf.range(1, y.size + 1), y.shape)));
  })(x);
const image = (values: number[], height = 2) => tf.tensor4d(values, [1, height, values.length / height, 1]);

describeOnWebGpu('MaxPool and its gradient', () => {
  test('windows of any kind, as on the cpu backend', async () => {
    const window = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }));
    await fc.assert(
      fc.asyncProperty(window, window, fc.constantFrom('same', 'valid', 1), async (filter, strides, pad) => {
        if (pad === 1 && Math.min(...filter) < 3) return;
        // Few values, so that many are equal.
        const x = () =>
          tf.round(tf.mul(tf.randomNormal<tf.Rank.R4>([2, 7, 6, 3], 0, 1, 'float32', 1), 2)) as tf.Tensor4D;
        const f = (t: tf.Tensor4D) => tf.maxPool(t, filter, strides, pad as 'same' | 'valid' | number);
        const [forward, expectedForward] = await onBoth(() => f(x()));
        expect(forward).toEqual(expectedForward);
        const [backward, expectedBackward] = await onBoth(() => grad(f, x()));
        expectAllClose(backward, expectedBackward, { absolute: 1e-3 });
      }),
      { numRuns: 25, seed: 1 },
    );
  });

  test('that of @bag/ops, padded', async () => {
    const x = () => tf.randomNormal<tf.Rank.R4>([2, 7, 8, 3], 0, 1, 'float32', 1);
    const f = (t: tf.Tensor4D) => maxPool(t, { size: 3, strides: 2, padding: 1 });
    const [forward, expectedForward] = await onBoth(() => f(x()));
    expect(forward).toEqual(expectedForward);
    const [backward, expectedBackward] = await onBoth(() => grad(f, x()));
    expect(backward).toEqual(expectedBackward);
  });

  test('a NaN is passed over; −∞ and −10³⁰ are values like others', async () => {
    const x = image([NaN, 1, -1e30, NaN, 3, -Infinity, -1e30, -2e30, -Infinity, -Infinity], 1);
    const y = tf.maxPool(x, [1, 2], [1, 2], 'valid');
    expect([...(await y.data())]).toEqual([1, Math.fround(-1e30), 3, Math.fround(-1e30), -Infinity]);
    tf.dispose([x, y]);
  });

  test('dy goes to the first maximum, to an infinite one too', async () => {
    const f = (t: tf.Tensor4D) => tf.maxPool(t, 2, 2, 'valid');
    const first = await expectNoLeak(() => tf.tidy(() => grad(f, image([5, 5, 5, 5]))), 1);
    const infinite = tf.tidy(() => grad(f, image([1, Infinity, 2, 3])));
    expect([[...(await first.data())], [...(await infinite.data())]]).toEqual([
      [1, 0, 0, 0],
      [0, 1, 0, 0],
    ]);
    tf.dispose([first, infinite]);
  });

  test('int32', async () => {
    const y = tf.tidy(() => tf.maxPool(tf.cast<tf.Tensor4D>(image([1, 2 ** 24, 3, 2 ** 20]), 'int32'), 2, 2, 'valid'));
    expect([y.dtype, ...(await y.data())]).toEqual(['int32', 2 ** 24]);
    y.dispose();
  }); // prettier-ignore
});
