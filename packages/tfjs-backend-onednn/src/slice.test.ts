import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, expectMoved, runs, shapes } from './fixtures/moves.js';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

describe('slice', () => {
  it('takes any box', () => {
    const boxes = shapes(1).chain((shape) =>
      fc.tuple(...shape.map((size) => fc.tuple(fc.nat({ max: size }), fc.nat({ max: size })))).map((ends) => ({
        shape,
        begin: ends.map(([a, b]) => Math.min(a, b)),
        size: ends.map(([a, b]) => Math.abs(a - b)),
      })),
    );
    fc.assert(
      fc.property(boxes, ({ shape, begin, size }) =>
        expectMoved(
          shape,
          (x) => tf.slice(x, begin, size),
          size,
          (position) => position.map((p, i) => p + at(begin, i)),
        ),
      ),
      runs,
    );
  });

  it('gives a copy, which outlives its source', () => {
    const x = tf.tensor1d([1, 2, 3, 4]);
    const y = tf.slice(x, 1, 2);
    x.dispose();
    const other = tf.tensor1d([9, 9, 9, 9]);
    expect(Array.from(y.dataSync())).toEqual([2, 3]);
    tf.dispose([y, other]);
  });

  it('refuses a box beyond the tensor', () => {
    const x = tf.tensor1d([1, 2, 3]);
    expect(() => tf.slice(x, 1, 3)).toThrow('would overflow');
    x.dispose();
  });
});

describe('stridedSlice', () => {
  it('takes every n-th element, forwards and backwards', () => {
    const cases = fc
      .array(
        fc.tuple(
          fc.integer({ min: 1, max: 6 }),
          fc.nat({ max: 5 }),
          fc.nat({ max: 5 }),
          fc.constantFrom(-3, -2, -1, 1, 2, 3),
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((axes) => axes.map(([size, a, b, step]) => ({ size, begin: a % size, end: b % size, step })));
    fc.assert(
      fc.property(cases, (axes) => {
        const counts = axes.map(({ begin, end, step }) => {
          let count = 0;
          for (let i = begin; step > 0 ? i < end : i > end; i += step) count++;
          return count;
        });
        expectMoved(
          axes.map(({ size }) => size),
          (x) =>
            tf.stridedSlice(
              x,
              axes.map(({ begin }) => begin),
              axes.map(({ end }) => end),
              axes.map(({ step }) => step),
            ),
          counts,
          (position) => position.map((p, i) => at(axes, i).begin + p * at(axes, i).step),
        );
      }),
      runs,
    );
  });

  it('knows masks, new and dropped axes', () => {
    const x = tf.tensor3d(
      Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
    );
    // x[1, ..., new, ::-2]
    const y = tf.stridedSlice(x, [1, 0, 0, 0], [2, 0, 0, 0], [1, 1, 1, -2], 0b1000, 0b1000, 0b0010, 0b0100, 0b0001);
    expect(y.shape).toEqual([3, 1, 2]);
    expect(Array.from(y.dataSync())).toEqual([15, 13, 19, 17, 23, 21]);
    tf.dispose([x, y]);
  });
});

describe('reverse', () => {
  it('reverses any axes', () => {
    const cases = shapes().chain((shape) => fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, i) => i))));
    fc.assert(
      fc.property(cases, ([shape, axes]) =>
        expectMoved(
          shape,
          (x) => tf.reverse(x, axes),
          shape,
          (position) => position.map((p, i) => (axes.includes(i) ? at(shape, i) - 1 - p : p)),
        ),
      ),
      runs,
    );
  });

  it('flips images left to right', () => {
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 4, 2]);
    const y = tf.image.flipLeftRight(x);
    expect(Array.from(y.dataSync())).toEqual([7, 8, 5, 6, 3, 4, 1, 2]);
    tf.dispose([x, y]);
  });
});
