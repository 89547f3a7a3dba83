import * as tf from '@tensorflow/tfjs';
import { expectAllClose } from '@bag/testing';
import { describe, expect, it } from 'vitest';
import { checkEachTest } from './fixtures/onednn.js';

checkEachTest();

/** The values and the shape of what `f` returns; everything is freed again. */
function resultOf(f: () => tf.Tensor): { values: number[]; shape: number[]; dtype: string } {
  return tf.tidy(() => {
    const y = f();
    return { values: Array.from(y.dataSync()), shape: y.shape, dtype: y.dtype };
  });
}

describe('gather', () => {
  it.each(['float32', 'int32', 'bool'] as const)('takes slices along any axis, %s', (dtype) => {
    const values = [1, 0, 0, 1, 1, 1];
    const of = (axis: number, indices: number[]) =>
      resultOf(() => tf.gather(tf.tensor(values, [2, 3], dtype), tf.tensor1d(indices, 'int32'), axis));
    expect(of(0, [1, 1, 0])).toEqual({ values: [1, 1, 1, 1, 1, 1, 1, 0, 0], shape: [3, 3], dtype });
    expect(of(1, [2, 0])).toEqual({ values: [0, 1, 1, 1], shape: [2, 2], dtype });
    expect(of(-1, [])).toEqual({ values: [], shape: [2, 0], dtype });
  });

  it('takes a list of its own for each batch', () => {
    const x = () =>
      tf.tensor3d(
        Array.from({ length: 12 }, (_, i) => i),
        [2, 2, 3],
      );
    const indices = () =>
      tf.tensor2d(
        [
          [2, 0],
          [1, 1],
        ],
        [2, 2],
        'int32',
      );
    expect(resultOf(() => tf.gather(x(), indices(), 2, 1))).toMatchObject({
      shape: [2, 2, 2],
      values: [2, 0, 5, 3, 7, 7, 10, 10],
    });
  });

  it.each([-1, 3])('refuses the index %d', (index) => {
    expect(() => tf.tidy(() => tf.gather(tf.tensor1d([1, 2, 3]), tf.tensor1d([0, index], 'int32')))).toThrow(
      `GatherV2: the index value ${index} is not in [0, 2]`,
    );
  });

  it('sums the gradients of a row that was taken often', () => {
    const rows = 20_000;
    const indices = Int32Array.from({ length: rows }, (_, i) => i % 3);
    const { values } = resultOf(() =>
      tf.grad((x: tf.Tensor) => tf.gather(x, tf.tensor1d(indices, 'int32')))(
        tf.zeros([4, 2]),
        tf.tensor2d(new Float32Array(2 * rows).fill(0.1), [rows, 2]),
      ),
    );
    const tenth = Math.fround(0.1);
    expectAllClose(
      values,
      [6667, 6667, 6667, 6667, 6666, 6666, 0, 0].map((n) => n * tenth),
      { relative: 1e-7 },
    );
  });
});

describe('gatherND', () => {
  it('chooses elements and slices', () => {
    const x = () =>
      tf.tensor3d(
        Array.from({ length: 12 }, (_, i) => i),
        [2, 2, 3],
      );
    const of = (indices: number[], shape: number[]) =>
      resultOf(() => tf.gatherND(x(), tf.tensor(indices, shape, 'int32')));
    expect(of([1, 0, 2, 0, 1, 1], [2, 3])).toMatchObject({ values: [8, 4], shape: [2] });
    expect(of([1, 0, 0, 1], [2, 2])).toMatchObject({ values: [6, 7, 8, 3, 4, 5], shape: [2, 3] });
    expect(of([1], [1, 1, 1])).toMatchObject({ values: [6, 7, 8, 9, 10, 11], shape: [1, 1, 2, 3] });
  });

  it('refuses indices beyond the tensor', () => {
    for (const index of [2, -1]) {
      expect(() => tf.tidy(() => tf.gatherND(tf.zeros([2, 3]), tf.tensor2d([[index, 0]], [1, 2], 'int32')))).toThrow(
        `Invalid indices: ${index},0 does not index into 2,3`,
      );
    }
  });
});

describe('oneHot', () => {
  it('marks the index, and nothing for one out of range', () => {
    const of = (dtype: 'float32' | 'int32' | 'bool', on: number, off: number) =>
      resultOf(() => tf.oneHot(tf.tensor1d([2, -1, 0, 3], 'int32'), 3, on, off, dtype));
    expect(of('float32', 0.5, -1)).toEqual({
      values: [-1, -1, 0.5, -1, -1, -1, 0.5, -1, -1, -1, -1, -1],
      shape: [4, 3],
      dtype: 'float32',
    });
    expect(of('int32', 7, -2).values).toEqual([-2, -2, 7, -2, -2, -2, 7, -2, -2, -2, -2, -2]);
    expect(of('bool', 1, 0).values).toEqual([0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
  });
});

describe('scatterND', () => {
  it('adds what meets in one place, integers modulo 2³²', () => {
    const of = (updates: number[], dtype: 'float32' | 'int32') =>
      resultOf(() => tf.scatterND(tf.tensor2d([[1], [3], [1]], [3, 1], 'int32'), tf.tensor1d(updates, dtype), [5]))
        .values;
    expect(of([1.5, NaN, 2], 'float32')).toEqual([0, 3.5, 0, NaN, 0]);
    expect(of([2147483647, 5, 1], 'int32')).toEqual([0, -2147483648, 0, 5, 0]);
  });

  it('adds whole slices', () => {
    expect(
      resultOf(() =>
        tf.scatterND(
          tf.tensor2d([[1], [0], [1]], [3, 1], 'int32'),
          tf.tensor2d([
            [1, 2],
            [3, 4],
            [5, 6],
          ]),
          [3, 2],
        ),
      ),
    ).toMatchObject({ values: [3, 4, 6, 8, 0, 0], shape: [3, 2] });
  });

  it('refuses indices beyond the shape', () => {
    expect(() => tf.tidy(() => tf.scatterND(tf.tensor2d([[5]], [1, 1], 'int32'), tf.tensor1d([1]), [5]))).toThrow(
      'Invalid indices: 5 does not index into 5',
    );
  });

  it('gives the same for many threads as for one', () => {
    const count = 60_000;
    const slices = 5000;
    const expected = new Float64Array(slices * 2);
    const indices = Int32Array.from({ length: count }, (_, i) => (i * 7919) % slices);
    const updates = Float32Array.from({ length: count * 2 }, (_, i) => i % 64);
    indices.forEach((slice, i) => {
      for (let k = 0; k < 2; k++) expected[slice * 2 + k] = (expected[slice * 2 + k] ?? 0) + (updates[i * 2 + k] ?? 0);
    });
    const { values } = resultOf(() =>
      tf.scatterND(tf.tensor2d(indices, [count, 1], 'int32'), tf.tensor2d(updates, [count, 2]), [slices, 2]),
    );
    expect(values).toEqual(Array.from(expected));
  });
});

describe('tensorScatterUpdate', () => {
  it('replaces slices, the last one counts, and leaves its input alone', () => {
    const x = tf.tensor2d([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const y = resultOf(() =>
      tf.tensorScatterUpdate(
        x,
        tf.tensor2d([[2], [0], [2]], [3, 1], 'int32'),
        tf.tensor2d([
          [7, 7],
          [8, 8],
          [9, 9],
        ]),
      ),
    );
    expect(y).toMatchObject({ values: [8, 8, 3, 4, 9, 9], shape: [3, 2] });
    expect(Array.from(x.dataSync())).toEqual([1, 2, 3, 4, 5, 6]);
    x.dispose();
  });
});

describe('unsortedSegmentSum', () => {
  it('sums rows by their ids; ids out of range count for nothing', () => {
    expect(
      resultOf(() =>
        tf.unsortedSegmentSum(
          tf.tensor2d([
            [1, 2],
            [3, 4],
            [5, 6],
            [NaN, 0],
            [7, Infinity],
          ]),
          tf.tensor1d([2, 0, 2, 3, -1], 'int32'),
          3,
        ),
      ),
    ).toMatchObject({ values: [3, 4, 0, 0, 6, 8], shape: [3, 2] });
  });
});
