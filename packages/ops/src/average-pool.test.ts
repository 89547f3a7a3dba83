import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { averagePool } from './average-pool.js';
import { goldens, wave } from './fixtures/goldens.js';

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1);

describeOnBackends('averagePool', () => {
  test.each(goldens.averagePool)("values and gradient equal torch's: $x, $options", async (golden) => {
    await expectNoLeak(async () => {
      const x = tf.tensor4d(wave(product(golden.x), 0.37), golden.x);
      const dy = tf.tensor4d(wave(product(golden.yShape), 0.53), golden.yShape);
      const pool = (image: tf.Tensor) => averagePool(image as tf.Tensor4D, golden.options);
      const y = pool(x);
      expect(y.shape).toEqual(golden.yShape);
      const dx = tf.grad(pool)(x, dy);
      expectAllClose(await y.data(), golden.y, { absolute: 1e-6, relative: 1e-6 });
      expectAllClose(await dx.data(), golden.dx, { absolute: 1e-6, relative: 1e-6 });
      expect(dy.isDisposed, "the caller's dy").toBe(false);
      tf.dispose([x, y, dy, dx]);
    });
  });

  test('names what does not fit', () => {
    const x = tf.zeros<tf.Rank.R4>([1, 2, 2, 1]);
    expect(() => averagePool(x, { size: 3, strides: 0 })).toThrow(
      'averagePool: expected a whole number ≥ 1 for strides',
    );
    expect(() => averagePool(x, { size: 3, strides: 1, padding: 2 })).toThrow(
      'expected padding of 0 to 1, half the size',
    );
    expect(() => averagePool(x, { size: 4, strides: 1 })).toThrow('a window of 4 does not fit into [1, 2, 2, 1]');
    x.dispose();
  });
});
