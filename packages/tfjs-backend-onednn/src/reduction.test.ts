import { expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkEachTest, onednn } from './fixtures/onednn.js';
import { setThreads, threads } from './index.js';

checkEachTest();
type Dtype = 'float32' | 'int32' | 'bool';

/** sin(i·1.7 + 0.3), for integers spread over ±1000, for truth values its sign. */
function values(size: number, dtype: Dtype): number[] {
  return Array.from({ length: size }, (_, i) => {
    const v = Math.fround(Math.sin(i * 1.7 + 0.3));
    return dtype === 'float32' ? v : dtype === 'int32' ? Math.trunc(v * 1000) : Number(v > -0.5);
  });
}

/** The values that fall into each result, in the order of the input. */
function groups(x: number[], shape: number[], axes: number[]): number[][] {
  const kept = shape.map((size, i) => (axes.includes(i) ? 1 : size));
  const result = Array.from({ length: tf.util.sizeFromShape(kept) }, (): number[] => []);
  x.forEach((value, i) => {
    let rest = i;
    let place = 0;
    let stride = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const index = rest % (shape[axis] as number);
      rest = Math.floor(rest / (shape[axis] as number));
      if (!axes.includes(axis)) {
        place += index * stride;
        stride *= shape[axis] as number;
      }
    }
    result[place]?.push(value);
  });
  return result;
}

const add = (a: number, b: number) => a + b;
/** The kernel itself: core makes integers of truth values before it calls some. */
const kernel = (name: string) => (x: tf.Tensor, axis?: number[], keepDims?: boolean) =>
  tf.engine().runKernel<tf.Tensor>(name, { x }, { axis, keepDims } as unknown as tf.NamedAttrMap);
interface Case {
  run: (x: tf.Tensor, axis?: number[], keepDims?: boolean) => tf.Tensor;
  of: (group: number[]) => number;
  dtype: (own: Dtype) => Dtype;
  takes?: Dtype[];
}
const cases: Record<string, Case> = {
  sum: { run: kernel('Sum'), of: (g) => g.reduce(add, 0), dtype: (own) => (own === 'bool' ? 'int32' : own) },
  mean: { run: tf.mean, of: (g) => g.reduce(add, 0) / g.length, dtype: () => 'float32' },
  max: { run: tf.max, of: (g) => g.reduce((a, b) => Math.max(a, b)), dtype: (own) => own },
  min: { run: tf.min, of: (g) => g.reduce((a, b) => Math.min(a, b)), dtype: (own) => own },
  prod: {
    run: kernel('Prod'),
    of: (g) => g.reduce((a, b) => a * b, 1),
    dtype: (own) => (own === 'bool' ? 'int32' : own),
    takes: ['float32', 'bool'],
  },
  all: { run: tf.all, of: (g) => Number(g.every(Boolean)), dtype: () => 'bool', takes: ['bool'] },
  any: { run: tf.any, of: (g) => Number(g.some(Boolean)), dtype: () => 'bool', takes: ['bool'] },
};

async function check(name: string, shape: number[], axes: number[] | undefined, dtype: Dtype, keepDims = false) {
  const { run, of, dtype: dtypeOf } = cases[name] as Case;
  const data = values(tf.util.sizeFromShape(shape), dtype);
  await expectNoLeak(async () => {
    const x = tf.tensor(data, shape, dtype);
    const y = run(x, axes, keepDims);
    const all = shape.map((_, i) => i);
    const gone = axes?.map((axis) => (axis < 0 ? axis + shape.length : axis)) ?? all;
    expect(y.dtype).toBe(dtypeOf(dtype));
    expect(y.shape).toEqual(
      keepDims ? shape.map((size, i) => (gone.includes(i) ? 1 : size)) : shape.filter((_, i) => !gone.includes(i)),
    );
    const expected = groups(data, shape, gone).map(of);
    // Sums cancel: what they may be wrong by is a rounding of the result, and of doubles before it.
    expectAllClose(await y.data(), expected, dtypeOf(dtype) === 'float32' ? { relative: 6e-8, absolute: 1e-12 } : {});
    tf.dispose([x, y]);
  });
}

describe.each(Object.keys(cases))('%s', (name) => {
  const dtypes = cases[name]?.takes ?? (['float32', 'int32', 'bool'] as const);

  test.each([
    [[], undefined],
    [[1], undefined],
    [[7], undefined],
    [[40_000], undefined],
    [[3, 5], []],
    [[3, 5], [0]],
    [[3, 5], [-1]],
    [
      [1, 5, 1],
      [0, 2],
    ],
    [
      [2, 9, 8, 3],
      [1, 2],
    ],
    [
      [16, 7, 7, 24],
      [1, 2],
    ],
    [[129, 33], [0]],
    [[1003, 8], [1]],
    [[40, 2051], [0]],
    [
      [3, 40, 4099],
      [0, 1],
    ],
    [[2, 3, 4, 96], [3]],
    [[2, 3, 4, 97], [3]],
    [[9000, 5, 2], [1]],
    [[129, 33], [1]],
    [[3, 2500], [0]],
    [[3, 2500], [1]],
    [
      [2, 300, 2, 90],
      [0, 2],
    ],
    [
      [2, 30, 2, 90],
      [1, 3],
    ],
    [
      [5, 2, 3, 2, 70, 3],
      [0, 2, 4],
    ],
    [
      [2, 3, 2, 2, 3, 40],
      [1, 3, 5],
    ],
    [[20_000, 3], [0]],
    [[2, 1, 3, 2, 2, 2], undefined],
  ] as [number[], number[] | undefined][])('of %j over %j', async (shape, axes) => {
    for (const dtype of dtypes) {
      await check(name, shape, axes, dtype);
      await check(name, shape, axes, dtype, true);
    }
  });

  test('of any shape over any axes', async () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        shapes,
        fc.nat(63),
        fc.constantFrom(...dtypes),
        fc.boolean(),
        async (shape, mask, dtype, keep) => {
          const axes = shape.map((_, i) => i).filter((i) => (mask >> i) & 1);
          await check(name, shape, axes, dtype, keep);
        },
      ),
      { numRuns: 60 },
    );
  });
});

test('a sum of 2²⁴ values is right to 1e-7, on one thread or several', async () => {
  const data = new Float32Array(2 ** 24);
  let exact = 0;
  for (let i = 0; i < data.length; i++) {
    data[i] = 0.1 + 1e-3 * (i % 97);
    exact += data[i] as number;
  }
  const x = tf.tensor1d(data);
  const several = threads();
  for (const count of [1, several]) {
    setThreads(count);
    const sums = tf.tidy(() => [
      tf.sum(x),
      tf.sum(tf.sum(tf.reshape(x, [4096, 4096]), 0)),
      tf.mul(tf.mean(x), 2 ** 24),
    ]);
    for (const sum of sums) expectAllClose(await sum.data(), [exact], { relative: 1e-7 });
    tf.dispose(sums);
  }
  x.dispose();
});

test('NaN and ∞ go through, and into their results only', async () => {
  const x = tf.tensor2d([1, NaN, 2, Infinity, 1, 0, -Infinity, Infinity, 5, -Infinity, -Infinity, -Infinity], [4, 3]);
  const wide = tf.tile(x, [1, 100]);
  const expected = {
    Sum: [NaN, Infinity, NaN, -Infinity],
    Max: [NaN, Infinity, Infinity, -Infinity],
    Min: [NaN, 0, -Infinity, -Infinity],
    Mean: [NaN, Infinity, NaN, -Infinity],
    Prod: [NaN, NaN, -Infinity, -Infinity],
  };
  for (const [name, results] of Object.entries(expected)) {
    const y = kernel(name)(x, [1]);
    expectAllClose(await y.data(), results);
    const columns = tf.tidy(() => kernel(name)(tf.transpose(x), [0]));
    expectAllClose(await columns.data(), results);
    tf.dispose([y, columns]);
    if (name === 'Prod') continue;
    const long = kernel(name)(wide, [1]);
    expectAllClose(await long.data(), results);
    long.dispose();
  }
  tf.dispose([x, wide]);
});

test('integers wrap as those of JavaScript do', async () => {
  const x = tf.tensor1d([2 ** 31 - 1, 2 ** 31 - 1, 4], 'int32');
  const sum = tf.sum(x);
  const product = tf.prod(x);
  expect([...(await sum.data())]).toEqual([2]);
  // (2³¹ − 1)² in a double is 2⁶² − 2³²; times 4 a multiple of 2³².
  expect([...(await product.data())]).toEqual([0]);
  tf.dispose([x, sum, product]);
});

test('of nothing: as tfjs-backend-cpu has it', async () => {
  const x = tf.zeros([0, 3]);
  for (const [name, value] of [
    ['Sum', 0],
    ['Prod', 1],
  ] as const) {
    const y = kernel(name)(x, [0]);
    expectAllClose(await y.data(), [value, value, value]);
    const none = kernel(name)(x, [1]);
    expect(none.shape).toEqual([0]);
    tf.dispose([y, none]);
  }
  x.dispose();
  onednn().forwarded.clear();
});

test('an axis that is none is refused', () => {
  const x = tf.zeros([2, 3]);
  expect(() => tf.sum(x, 2)).toThrow('axis');
  x.dispose();
});
