import { expectAllClose } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { kernelNumber } from './call.js';
import { evaluate, onednn } from './fixtures/onednn.js';
import { memory } from './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

type Operation = (a: number, b: number) => number;
type Run = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const floats = [0, -0, 1, -1, 0.5, -2.5, 2, 3, -3, 7.75, 1e-40, -1e-45, 1e20, -3e38, Infinity, -Infinity, NaN].map(
  Math.fround,
);
const integers = [0, 1, -1, 2, -3, 7, 100, 46341, -65536, 2147483647, -2147483648];

/** All pairs of a list, in the order of a broadcast [n, 1] with [n]. */
function pairs(list: readonly number[], operation: Operation): number[] {
  return list.flatMap((a) => list.map((b) => operation(a, b)));
}

function allPairs(list: number[], dtype: 'float32' | 'int32' | 'bool', run: Run) {
  return evaluate(() => run(tf.tensor(list, [list.length, 1], dtype), tf.tensor(list, [list.length], dtype)));
}

/** Division and remainder of JavaScript with the sign of the divisor. */
function modulo(a: number, b: number): number {
  const rest = a % b;
  return (a < 0 && b < 0) || (a >= 0 && b >= 0) ? rest : (rest + b) % b;
}

describe('float32, all pairs of edge values', () => {
  // Two roundings where there are two steps; what the C library computes may be off by one unit.
  test.each<[string, Run, Operation, number]>([
    ['add', tf.add, (a, b) => a + b, 0],
    ['sub', tf.sub, (a, b) => a - b, 0],
    ['mul', tf.mul, (a, b) => a * b, 0],
    ['div', tf.div, (a, b) => a / b, 0],
    ['maximum', tf.maximum, Math.max, 0],
    ['minimum', tf.minimum, Math.min, 0],
    ['mod', tf.mod, modulo, 0],
    ['squaredDifference', tf.squaredDifference, (a, b) => Math.fround(a - b) ** 2, 0],
    ['pow', tf.pow, Math.pow, 1.2e-7],
    ['atan2', tf.atan2, Math.atan2, 1.2e-7],
    ['prelu', tf.prelu, (x, slope) => (x < 0 ? slope * x : x), 0],
  ])('%s', async (_name, run, operation, relative) => {
    const y = await allPairs(floats, 'float32', run);
    expect(y.dtype).toBe('float32');
    expectAllClose(y.values, pairs(floats, operation).map(Math.fround), { relative, absolute: relative && 2e-45 });
  });

  test('the sign of zero', async () => {
    const zeros = [0, -0];
    expect((await allPairs(zeros, 'float32', tf.maximum)).values).toEqual([0, 0, 0, -0]);
    expect((await allPairs(zeros, 'float32', tf.minimum)).values).toEqual([0, -0, -0, -0]);
    expect((await allPairs(zeros, 'float32', tf.mul)).values).toEqual([0, -0, -0, 0]);
  });

  test('floorDiv gives int32, modulo 2³²', async () => {
    const y = await allPairs(floats, 'float32', tf.floorDiv);
    expect(y.dtype).toBe('int32');
    expect(y.values).toEqual(pairs(floats, (a, b) => Math.floor(a / b) | 0));
  });
});

describe('int32, all pairs of edge values', () => {
  test.each<[string, Run, Operation]>([
    ['add', tf.add, (a, b) => (a + b) | 0],
    ['sub', tf.sub, (a, b) => (a - b) | 0],
    ['mul', tf.mul, Math.imul],
    ['squaredDifference', tf.squaredDifference, (a, b) => Math.imul(a - b, a - b)],
    ['maximum', tf.maximum, Math.max],
    ['minimum', tf.minimum, Math.min],
    ['mod', tf.mod, (a, b) => modulo(a, b) | 0],
    ['div', tf.div, (a, b) => Math.floor(a / b) | 0],
    ['floorDiv', tf.floorDiv, (a, b) => Math.floor(a / b) | 0],
  ])('%s', async (_name, run, operation) => {
    const y = await allPairs(integers, 'int32', run);
    expect(y.dtype).toBe('int32');
    expect(y.values).toEqual(pairs(integers, operation).map((v) => v + 0));
  });

  test('pow truncates', async () => {
    const few = [-3, -1, 0, 1, 2, 5];
    expect((await allPairs(few, 'int32', tf.pow)).values).toEqual(pairs(few, (a, b) => (a ** b) | 0));
  });

  test('bitwiseAnd', async () => {
    const a = [5, -1, 0x7fffffff];
    const b = [3, 12, -2];
    const y = await evaluate(() => tf.bitwiseAnd(tf.tensor1d(a, 'int32'), tf.tensor1d(b, 'int32')));
    expect(y).toEqual({ values: [1, 12, 0x7ffffffe], dtype: 'int32', shape: [3] });
  });
});

describe('comparisons give bool', () => {
  const comparisons: [string, Run, (a: number, b: number) => boolean][] = [
    ['equal', tf.equal, (a, b) => a === b],
    ['notEqual', tf.notEqual, (a, b) => a !== b],
    ['greater', tf.greater, (a, b) => a > b],
    ['greaterEqual', tf.greaterEqual, (a, b) => a >= b],
    ['less', tf.less, (a, b) => a < b],
    ['lessEqual', tf.lessEqual, (a, b) => a <= b],
  ];
  test.each(comparisons)('%s', async (_name, run, operation) => {
    for (const [list, dtype] of [
      [floats, 'float32'],
      [integers, 'int32'],
      [[0, 1], 'bool'],
    ] as const) {
      const y = await allPairs([...list], dtype, run);
      expect(y.dtype).toBe('bool');
      expect(y.values).toEqual(pairs(list, (a, b) => Number(operation(a, b))));
    }
  });

  test('logic', async () => {
    expect((await allPairs([0, 1], 'bool', tf.logicalAnd)).values).toEqual([0, 0, 0, 1]);
    expect((await allPairs([0, 1], 'bool', tf.logicalOr)).values).toEqual([0, 1, 1, 1]);
    const y = await evaluate(() => tf.logicalNot(tf.tensor1d([true, false, true], 'bool')));
    expect(y).toEqual({ values: [0, 1, 0], dtype: 'bool', shape: [3] });
  });
});

test('bool arithmetic counts modulo 256', async () => {
  expect((await allPairs([0, 1], 'bool', tf.add)).values).toEqual([0, 1, 1, 2]);
  expect((await allPairs([0, 1], 'bool', tf.mul)).values).toEqual([0, 0, 0, 1]);
  expect((await allPairs([0, 1], 'bool', tf.sub)).values).toEqual([0, 255, 1, 0]);
});

describe('broadcasting', () => {
  /** Element i of the result of shape `out` as an index into a tensor of shape `own`. */
  function source(i: number, out: readonly number[], own: readonly number[]): number {
    let index = 0;
    let stride = 1;
    for (let axis = out.length - 1, k = own.length - 1; k >= 0; axis--, k--) {
      const size = out[axis] as number;
      if (own[k] !== 1) index += (i % size) * stride;
      i = Math.floor(i / size);
      stride *= own[k] as number;
    }
    return index;
  }

  async function check(a: number[], b: number[], out: number[]) {
    const [left, right] = [a, b].map((shape) => tf.util.sizeFromShape(shape)) as [number, number];
    // Distinct everywhere, and every difference says where both come from.
    const y = await evaluate(() =>
      tf.sub(
        tf.tensor(
          Int32Array.from({ length: left }, (_, i) => i * 7919),
          a,
        ),
        tf.tensor(
          Int32Array.from({ length: right }, (_, i) => i),
          b,
        ),
      ),
    );
    expect(y.shape).toEqual(out);
    const expected = Array.from(
      { length: tf.util.sizeFromShape(out) },
      (_, i) => source(i, out, a) * 7919 - source(i, out, b),
    );
    expect(y.values).toEqual(expected);
  }

  test.each<[number[], number[], number[]]>([
    [[], [], []],
    [[1], [], [1]],
    [[1, 1, 1], [1], [1, 1, 1]],
    [[5000], [], [5000]],
    [[], [5000], [5000]],
    [[700, 3], [3], [700, 3]],
    [[3], [700, 3], [700, 3]],
    [[3, 1500], [1500], [3, 1500]],
    [
      [3, 1500],
      [3, 1],
      [3, 1500],
    ],
    [
      [1500, 3],
      [1500, 1],
      [1500, 3],
    ],
    [
      [400, 1],
      [1, 30],
      [400, 30],
    ],
    [
      [40, 7, 5],
      [40, 1, 5],
      [40, 7, 5],
    ],
    [
      [40, 7, 20],
      [40, 1, 20],
      [40, 7, 20],
    ],
    [
      [2, 1, 3, 1, 50, 1],
      [1, 4, 1, 5, 1, 6],
      [2, 4, 3, 5, 50, 6],
    ],
    [
      [33, 1, 32, 1],
      [33, 32, 1, 2],
      [33, 32, 32, 2],
    ],
    [[0], [1], [0]],
    [[0, 3], [3], [0, 3]],
    [[4, 1], [0], [4, 0]],
  ])('%j with %j', check);

  test('any shapes that fit', async () => {
    const axis = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom('both', 'left', 'right'));
    await fc.assert(
      fc.asyncProperty(fc.array(axis, { maxLength: 6 }), fc.nat(6), fc.boolean(), async (axes, drop, ofLeft) => {
        const a = axes.map(([size, side]) => (side === 'right' ? 1 : size));
        const b = axes.map(([size, side]) => (side === 'left' ? 1 : size));
        // One side may lack leading axes.
        const shorter = ofLeft ? a : b;
        const longer = ofLeft ? b : a;
        shorter.splice(0, drop);
        const missing = longer.length - shorter.length;
        const out = longer.map((size, i) => (i < missing ? size : Math.max(size, shorter[i - missing] as number)));
        await check(a, b, out);
      }),
      { numRuns: 100 },
    );
  });

  test('shapes that do not fit', () => {
    tf.tidy(() => {
      expect(() => tf.add(tf.zeros([2, 3]), tf.zeros([2]))).toThrow(
        'Operands could not be broadcast together with shapes 2,3 and 2.',
      );
    });
  });

  test('results beyond the cache', async () => {
    const rows = 32_783;
    const columns = 65;
    const y = await evaluate(() =>
      tf
        .tensor(
          Int32Array.from({ length: rows * columns }, (_, i) => i),
          [rows, columns],
        )
        .add(tf.tensor(Int32Array.from({ length: columns }, (_, i) => i))),
    );
    expect(y.values.length).toBe(rows * columns);
    expect(y.values.findIndex((value, i) => value !== i + (i % columns))).toBe(-1);
  });
});

test('addN', async () => {
  const lists = [
    [1, -2.5, 3],
    [0.5, 0, NaN],
    [1e8, 4, 1],
  ];
  const y = await evaluate(() => tf.addN(lists.map((list) => tf.tensor1d(list))));
  expect(y).toEqual({ values: [100000000, 1.5, NaN], dtype: 'float32', shape: [3] });
  const z = await evaluate(() => tf.addN([2147483647, 1, 5].map((v) => tf.scalar(v, 'int32'))));
  expect(z).toEqual({ values: [-2147483643], dtype: 'int32', shape: [] });
  const one = await evaluate(() => tf.addN([tf.ones([2, 3])]));
  expect(one).toEqual({ values: [1, 1, 1, 1, 1, 1], dtype: 'float32', shape: [2, 3] });
});

test('the gradient of elu sees its result', async () => {
  const y = await evaluate(() => {
    const gradient = tf.grad((x) => tf.elu(x));
    return gradient(tf.tensor1d([-2, -0.5, 0, 3]), tf.tensor1d([1, 2, 3, 4]));
  });
  expectAllClose(y.values, [Math.exp(-2), 2 * Math.exp(-0.5), 3, 4], { relative: 3e-7 });
});

test('complex numbers are still added', () => {
  tf.tidy(() => {
    const sum = tf.add(tf.complex([1, 2], [3, 4]), tf.complex([5, 6], [7, 8]));
    expect(Array.from(tf.real(sum).dataSync())).toEqual([6, 8]);
    expect(Array.from(tf.imag(sum).dataSync())).toEqual([10, 12]);
  });
});

describe('the native side refuses', () => {
  test.each<[string, string, number[], number[], number[]]>([
    ['operands that do not broadcast', 'Add', [3], [2], [3]],
    ['a result smaller than its operands', 'Add', [2, 3], [2, 3], [3]],
    ['more axes than the result has', 'Less', [1, 1, 2], [2], [2]],
    ['another type', 'RealDiv', [2], [2], [2]],
  ])('%s', (_what, name, a, b, out) => {
    const before = memory().blocksInUse;
    tf.tidy(() => {
      const dtype = name === 'RealDiv' ? 'int32' : 'float32';
      const call = onednn().call(kernelNumber(name));
      call.tensor(tf.zeros(a, dtype));
      call.tensor(tf.zeros(b, dtype));
      call.output(out, name === 'Less' ? 'bool' : 'float32');
      expect(() => call.run()).toThrow(TypeError);
    });
    expect(memory().blocksInUse - before).toBe(0);
  });
});
