import '@bag/tfjs-wasm-training';
import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { conv2d } from './conv2d.js';
import { goldens, wave } from './fixtures/goldens.js';

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1);

describeOnBackends('conv2d', () => {
  for (const golden of goldens.conv2d) {
    test(`forward and both gradients equal torch's: ${golden.name}`, async () => {
      await expectNoLeak(async () => {
        const x = tf.tensor4d(wave(product(golden.x), 0.37), golden.x);
        const filter = tf.tensor4d(wave(product(golden.filter), 0.71), golden.filter);
        const dy = tf.tensor4d(wave(product(golden.yShape), 0.53), golden.yShape as [number, number, number, number]);
        const { strides, padding, dilations } = golden;
        const f = (a: tf.Tensor, b: tf.Tensor) =>
          conv2d(a as tf.Tensor4D, b as tf.Tensor4D, { strides, padding, dilations });
        const y = f(x, filter);
        expect(y.shape).toEqual(golden.yShape);
        const [dx, dFilter] = tf.grads(f)([x, filter], dy) as [tf.Tensor, tf.Tensor];
        const tolerance = { absolute: 2e-5, relative: 1e-5 };
        expectAllClose(await y.data(), golden.y, tolerance);
        expectAllClose(await dx.data(), golden.dx, tolerance);
        expectAllClose(await dFilter.data(), golden.dFilter, tolerance);
        expect(dy.isDisposed, "the caller's dy").toBe(false);
        tf.dispose([x, filter, dy, y, dx, dFilter]);
      });
    });
  }

  test('uneven padding moves the output', async () => {
    const x = tf.tensor4d([1, 2, 3], [1, 1, 3, 1]);
    const filter = tf.tensor4d([1], [1, 1, 1, 1]);
    const y = conv2d(x, filter, {
      padding: [
        [0, 1],
        [2, 0],
      ],
    });
    expect(y.shape).toEqual([1, 2, 5, 1]);
    expect(Array.from(await y.data())).toEqual([0, 0, 1, 2, 3, 0, 0, 0, 0, 0]);
    tf.dispose([x, filter, y]);
  });

  test('says which channels do not fit', () => {
    const x = tf.zeros<tf.Rank.R4>([1, 4, 4, 3]);
    const filter = tf.zeros<tf.Rank.R4>([3, 3, 2, 8]);
    expect(() => conv2d(x, filter)).toThrow('x has 3 channels, the filter [3, 3, 2, 8] expects 2');
    expect(() => conv2d(x, filter, { strides: 0 })).toThrow('strides of whole numbers ≥ 1');
    const large = tf.zeros<tf.Rank.R4>([7, 7, 3, 1]);
    expect(() => conv2d(x, large)).toThrow('the filter covers 7 pixels, the padded image has 4');
    tf.dispose([x, filter, large]);
  });
});

test('padding in the form of another library is refused by its shape', () => {
  const x = tf.zeros<tf.Rank.R4>([1, 4, 4, 1]);
  const filter = tf.zeros<tf.Rank.R4>([3, 3, 1, 1]);
  expect(() => conv2d(x, filter, { padding: [1, 1] as never })).toThrow(
    'expected padding as a number or [[top, bottom], [left, right]], got [1,1]',
  );
  tf.dispose([x, filter]);
});
