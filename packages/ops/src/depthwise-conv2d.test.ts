import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { depthwiseConv2d } from './depthwise-conv2d.js';
import { goldens, wave } from './fixtures/goldens.js';

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1);

describeOnBackends('depthwiseConv2d', () => {
  test.each(goldens.depthwiseConv2d)(
    "forward and both gradients equal torch's: $x, $filter, strides $strides, padding $padding",
    async (golden) => {
      await expectNoLeak(async () => {
        const x = tf.tensor4d(wave(product(golden.x), 0.37), golden.x);
        const filter = tf.tensor4d(wave(product(golden.filter), 0.71), golden.filter);
        const dy = tf.tensor4d(wave(product(golden.yShape), 0.53), golden.yShape);
        const { strides, padding } = golden;
        const f = (a: tf.Tensor, b: tf.Tensor) =>
          depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, { strides, padding });
        const y = f(x, filter);
        expect(y.shape).toEqual(golden.yShape);
        const [dx, dFilter] = tf.grads(f)([x, filter], dy) as [tf.Tensor, tf.Tensor];
        expect([dx.shape, dFilter.shape]).toEqual([golden.x, golden.filter]);
        const tolerance = { absolute: 5e-6, relative: 5e-6 };
        expectAllClose(await y.data(), golden.y, tolerance);
        expectAllClose(await dx.data(), golden.dx, tolerance);
        expectAllClose(await dFilter.data(), golden.dFilter, tolerance);
        expect(dy.isDisposed, "the caller's dy").toBe(false);
        tf.dispose([x, filter, dy, y, dx, dFilter]);
      });
    },
  );

  test('uneven padding and strides, by hand', async () => {
    await expectNoLeak(async () => {
      const x = tf.tensor4d([1, 2, 3], [1, 1, 3, 1]);
      const filter = tf.tensor4d([10, 1], [1, 2, 1, 1]);
      // Two zeros on the left, one row of them below; a row is 0 0 1 2 3.
      const padding: [[number, number], [number, number]] = [
        [0, 1],
        [2, 0],
      ];
      const f = (a: tf.Tensor, b: tf.Tensor) =>
        depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, { padding, strides: [1, 2] });
      const y = f(x, filter);
      expect(y.shape).toEqual([1, 2, 2, 1]);
      expect(Array.from(await y.data())).toEqual([0, 12, 0, 0]);
      const dy = tf.tensor4d([5, 7, 11, 13], [1, 2, 2, 1]);
      const [dx, dFilter] = tf.grads(f)([x, filter], dy) as [tf.Tensor, tf.Tensor];
      expect(Array.from(await dx.data())).toEqual([70, 7, 0]);
      expect(Array.from(await dFilter.data())).toEqual([7, 14]);
      tf.dispose([x, filter, y, dy, dx, dFilter]);
    });
  });

  test('only the filter’s gradient, and only x’s', async () => {
    await expectNoLeak(async () => {
      const x = tf.ones<tf.Rank.R4>([1, 3, 3, 2]);
      const filter = tf.fill<tf.Rank.R4>([3, 3, 2, 1], 2);
      const dFilter = tf.grad((f) => depthwiseConv2d(x, f as tf.Tensor4D))(filter);
      const dx = tf.grad((image) => depthwiseConv2d(image as tf.Tensor4D, filter))(x);
      expect(Array.from(await dFilter.data())).toEqual(Array(18).fill(1));
      expect(Array.from(await dx.data())).toEqual(Array(18).fill(2));
      expect([x.isDisposed, filter.isDisposed]).toEqual([false, false]);
      tf.dispose([x, filter, dFilter, dx]);
    });
  });

  test('says what does not fit', () => {
    const x = tf.zeros<tf.Rank.R4>([1, 4, 4, 3]);
    const of = (shape: tf.Tensor4D['shape'], options = {}) =>
      tf.tidy(() => depthwiseConv2d(x, tf.zeros(shape), options));
    expect(() => of([3, 3, 2, 1])).toThrow('depthwiseConv2d: x has 3 channels, the filter [3, 3, 2, 1] expects 2');
    expect(() => of([3, 3, 3, 2])).toThrow('filter [height, width, channels, 1], got [1, 4, 4, 3] and [3, 3, 3, 2]');
    expect(() => of([7, 7, 3, 1])).toThrow('depthwiseConv2d: the filter covers 7 pixels, the padded image has 4');
    expect(() => of([3, 3, 3, 1], { strides: 0 })).toThrow('depthwiseConv2d: expected strides of whole numbers ≥ 1');
    expect(() => of([3, 3, 3, 1], { padding: -1 })).toThrow('depthwiseConv2d: expected padding of whole numbers ≥ 0');
    x.dispose();
  });
});
