import '@bag/tfjs-wasm-training';
import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { maxPool } from './max-pool.js';

describeOnBackends('maxPool', () => {
  test('a 3×3 window of stride 2, padded by 1: values and gradient by hand', async () => {
    await expectNoLeak(async () => {
      // All negative: a border of zeros would win.
      const x = tf.tensor4d([-9, -2, -3, -4, -5, -6, -7, -1, -8, -12, -11, -10, -16, -15, -14, -13], [1, 4, 4, 1]);
      const pool = (images: tf.Tensor) => maxPool(images as tf.Tensor4D, { size: 3, strides: 2, padding: 1 });
      const y = pool(x);
      expect(y.shape).toEqual([1, 2, 2, 1]);
      expectAllClose(await y.data(), [-2, -1, -5, -1]);
      const dy = tf.tensor4d([1, 10, 100, 1000], [1, 2, 2, 1]);
      const dx = tf.grad(pool)(x, dy);
      expectAllClose(await dx.data(), [0, 1, 0, 0, 100, 0, 0, 1010, 0, 0, 0, 0, 0, 0, 0, 0]);
      expect(dy.isDisposed, "the caller's dy").toBe(false);
      tf.dispose([x, y, dy, dx]);
    }, 0);
  });

  test('an odd image: the last window has what there is', async () => {
    await expectNoLeak(async () => {
      const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
      const y = maxPool(x, { size: 3, strides: 2, padding: 1 });
      expectAllClose(await y.data(), [5, 6, 8, 9]);
      const unpadded = maxPool(x, { size: 2, strides: 1 });
      expectAllClose(await unpadded.data(), [5, 6, 8, 9]);
      tf.dispose([x, y, unpadded]);
    });
  });

  test('names what does not fit', () => {
    const x = tf.zeros<tf.Rank.R4>([1, 2, 2, 1]);
    expect(() => maxPool(x, { size: 3, strides: 0 })).toThrow('expected a whole number ≥ 1 for strides, got 0');
    expect(() => maxPool(x, { size: 3, strides: 1, padding: 3 })).toThrow('expected padding of 0 to 2');
    expect(() => maxPool(x, { size: 3, strides: 1 })).toThrow('a window of 3 does not fit into [1, 2, 2, 1]');
    x.dispose();
  });
});
