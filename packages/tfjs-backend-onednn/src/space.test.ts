import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { dtypes, expectMoved } from './fixtures/moves.js';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

describe('diag', () => {
  it('puts a tensor on the diagonal', () => {
    for (const dtype of dtypes) {
      const x = tf.tensor1d([1, 1, 0, 1], dtype);
      const y = tf.diag(x);
      expect(y.shape).toEqual([4, 4]);
      expect(Array.from(y.dataSync())).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
      tf.dispose([x, y]);
    }
  });
});

describe('expandDims', () => {
  it('adds an axis of one anywhere', () => {
    const x = tf.tensor2d([[1, 2, 3]]);
    expect(tf.tidy(() => [-3, -2, -1, 0, 1, 2].map((axis) => tf.expandDims(x, axis).shape))).toEqual([
      [1, 1, 3],
      [1, 1, 3],
      [1, 3, 1],
      [1, 1, 3],
      [1, 1, 3],
      [1, 3, 1],
    ]);
    x.dispose();
  });
});

describe('spaceToBatchND, batchToSpaceND, depthToSpace', () => {
  it('moves blocks into the batch', () => {
    // Padded by one row and column: output (i·2 + j, h, w) is the padded image at (2h + i, 2w + j).
    expectMoved(
      [1, 3, 5, 2],
      (x) => tf.spaceToBatchND(x, [2, 2], [[1, 0], [0, 1]]), // prettier-ignore
      [4, 2, 3, 2],
      ([n, h, w, c]) => {
        const row = 2 * (h as number) + ((n as number) >> 1) - 1;
        const column = 2 * (w as number) + ((n as number) & 1);
        return row < 0 || column > 4 ? 0 : [0, row, column, c as number];
      },
    );
  });

  it('moves them back', () => {
    expectMoved(
      [4, 2, 3, 2],
      (x) => tf.batchToSpaceND(x, [2, 2], [[1, 0], [0, 1]]), // prettier-ignore
      [1, 3, 5, 2],
      ([, h, w, c]) => {
        const row = (h as number) + 1;
        const column = w as number;
        return [(row % 2) * 2 + (column % 2), row >> 1, column >> 1, c as number];
      },
    );
  });

  it('moves channels into blocks', () => {
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18], [1, 1, 2, 8]);
    const y = tf.depthToSpace(x, 2);
    expect(y.shape).toEqual([1, 2, 4, 2]);
    expect(Array.from(y.dataSync())).toEqual([1, 2, 3, 4, 11, 12, 13, 14, 5, 6, 7, 8, 15, 16, 17, 18]);
    tf.dispose([x, y]);
  });
});
