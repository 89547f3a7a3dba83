import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { globalAveragePool } from './global-average-pool.js';

describeOnBackends('globalAveragePool', () => {
  test('means of four pixels, and a fourth of the gradient for each, by hand', async () => {
    await expectNoLeak(async () => {
      const x = tf.tensor4d([1, 10, 2, 20, 3, 30, 6, 60, -1, 0, -1, 0, -1, 0, -1, 4], [2, 2, 2, 2]);
      const y = globalAveragePool(x);
      expect(y.shape).toEqual([2, 2]);
      expectAllClose(await y.data(), [3, 30, -1, 1]);
      const dy = tf.tensor2d([4, 8, -4, 0], [2, 2]);
      const dx = tf.grad((images: tf.Tensor) => globalAveragePool(images as tf.Tensor4D))(x, dy);
      expectAllClose(await dx.data(), [1, 2, 1, 2, 1, 2, 1, 2, -1, 0, -1, 0, -1, 0, -1, 0]);
      expect(dy.isDisposed, "the caller's dy").toBe(false);
      tf.dispose([x, y, dy, dx]);
    }, 0);
  });

  test('wants images', () => {
    const x = tf.zeros([2, 3]);
    expect(() => globalAveragePool(x as unknown as tf.Tensor4D)).toThrow('expected x of shape');
    x.dispose();
  });
});
