import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, expectMoved, runs, shapes } from './fixtures/moves.js';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

describe('transpose', () => {
  const check = (shape: number[], perm: number[]) =>
    expectMoved(
      shape,
      (x) => tf.transpose(x, perm),
      perm.map((axis) => at(shape, axis)),
      (position) => {
        const from: number[] = [];
        perm.forEach((axis, i) => (from[axis] = at(position, i)));
        return from;
      },
    );

  it('moves every element, for any shape and order of axes', () => {
    fc.assert(
      fc.property(
        shapes().chain((shape) =>
          fc.tuple(
            fc.constant(shape),
            fc.shuffledSubarray(
              shape.map((_, i) => i),
              { minLength: shape.length },
            ),
          ),
        ),
        ([shape, perm]) => check(shape, perm),
      ),
      runs,
    );
  });

  it.each([
    [
      [131, 77],
      [1, 0],
    ],
    [
      [64, 300],
      [1, 0],
    ],
    [
      [3, 67, 41],
      [0, 2, 1],
    ],
    [
      [2, 35, 33, 3],
      [0, 3, 1, 2],
    ],
    [
      [2, 3, 35, 33],
      [0, 2, 3, 1],
    ],
    [
      [17, 4, 19, 16],
      [2, 1, 0, 3],
    ],
    [
      [40, 2, 50],
      [2, 1, 0],
    ],
  ])('moves every element of %j by %j', (shape, perm) => check(shape, perm));

  it('moves matrices that are larger than the cache', () => {
    const [rows, columns] = [2064, 3216];
    const x = tf.tensor2d(
      Float32Array.from({ length: rows * columns }, (_, i) => i),
      [rows, columns],
    );
    const y = tf.transpose(x);
    const values = y.dataSync();
    let wrong = 0;
    for (let i = 0; i < values.length; i++) {
      if (values[i] !== (i % rows) * columns + Math.floor(i / rows)) wrong++;
    }
    expect(wrong).toBe(0);
    tf.dispose([x, y]);
  });
});
