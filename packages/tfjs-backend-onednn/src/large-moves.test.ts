import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { at } from './fixtures/moves.js';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

describe('tensors larger than the cache', () => {
  const [rows, columns] = [2051, 3203];
  const values = Float32Array.from({ length: rows * columns }, (_, i) => i);
  const countWrong = (y: tf.Tensor, expected: (i: number) => number) => {
    let wrong = 0;
    y.dataSync().forEach((value, i) => {
      if (value !== expected(i)) wrong++;
    });
    y.dispose();
    return wrong;
  };

  it('are sliced, padded, mirrored, reversed and tiled', () => {
    const x = tf.tensor2d(values, [rows, columns]);
    const width = columns - 2;
    const wide = columns + 2;
    const inside = (i: number) => [Math.floor(i / wide) - 1, (i % wide) - 1] as const;
    const mirrored = (at: number, size: number) => (at < 0 ? -at : at < size ? at : 2 * size - 2 - at);
    const around: [number, number][] = [[1, 1], [1, 1]]; // prettier-ignore
    expect(
      countWrong(tf.slice(x, [0, 1], [rows, width]), (i) => Math.floor(i / width) * columns + (i % width) + 1),
    ).toBe(0);
    expect(
      countWrong(tf.pad(x, around, -1), (i) => {
        const [r, c] = inside(i);
        return r < 0 || c < 0 || r >= rows || c >= columns ? -1 : r * columns + c;
      }),
    ).toBe(0);
    expect(
      countWrong(tf.mirrorPad(x, around, 'reflect'), (i) => {
        const [r, c] = inside(i);
        return mirrored(r, rows) * columns + mirrored(c, columns);
      }),
    ).toBe(0);
    expect(countWrong(tf.reverse(x), (i) => values.length - 1 - i)).toBe(0);
    expect(countWrong(tf.tile(x, [1, 2]), (i) => Math.floor(i / 2 / columns) * columns + (i % columns))).toBe(0);
    x.dispose();
  });

  it.each([
    [0, [1000, 1, 1050]],
    [1, [1601, 2, 1600]],
  ])('are split along axis %d and joined again', (axis, sizes) => {
    const x = tf.tensor2d(values, [rows, columns]);
    const parts = tf.split(x, sizes, axis);
    expect(countWrong(tf.concat(parts, axis), (i) => i)).toBe(0);
    let begin = 0;
    parts.forEach((part, k) => {
      const first = begin;
      const width = axis === 0 ? columns : at(sizes, k);
      expect(
        countWrong(part, (i) =>
          axis === 0 ? first * columns + i : Math.floor(i / width) * columns + first + (i % width),
        ),
      ).toBe(0);
      begin += at(sizes, k);
    });
    x.dispose();
  });

  it('are joined in short rows that are whole lines of the cache', () => {
    const count = 120_000;
    const parts = [0, 1].map((k) =>
      tf.tensor2d(
        Float32Array.from({ length: count * 32 }, (_, i) => Math.floor(i / 32) * 64 + k * 32 + (i % 32)),
        [count, 32],
      ),
    );
    expect(countWrong(tf.concat(parts, 1), (i) => i)).toBe(0);
    tf.dispose(parts);
  });
});
