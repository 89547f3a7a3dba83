import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { kernelNumber } from './call.js';
import { evaluate, onednn } from './fixtures/onednn.js';
import { memory } from './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

describe('select', () => {
  const condition = [true, false, false, true, false, true];

  test.each([
    ['float32', [1, 2, NaN, 4, 5, 6], [-1, -2, Infinity, NaN, -5, -6], [1, -2, Infinity, 4, -5, 6]],
    ['int32', [1, 2, 3, 4, 5, 2147483647], [-1, -2, -3, -4, -5, -6], [1, -2, -3, 4, -5, 2147483647]],
    ['bool', [1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1], [1, 0, 1, 0, 1, 0]],
  ] as const)('%s', async (dtype, yes, no, expected) => {
    const y = await evaluate(() =>
      tf.where(
        tf.tensor(condition, [2, 3], 'bool'),
        tf.tensor([...yes], [2, 3], dtype),
        tf.tensor([...no], [2, 3], dtype),
      ),
    );
    expect(y).toEqual({ values: expected, dtype, shape: [2, 3] });
  });

  test.each<[string, number[], number[]]>([
    ['one axis chooses rows', [2], [1, 1, 1, -1, -1, -1]],
    ['none chooses all', [], [1, 1, 1, 1, 1, 1]],
  ])('a condition of %s', async (_what, shape, expected) => {
    const y = await evaluate(() =>
      tf.engine().runKernel('Select', {
        condition: tf.tensor(shape.length === 0 ? [1] : [1, 0], shape, 'bool'),
        t: tf.fill([2, 3], 1),
        e: tf.fill([2, 3], -1),
      }),
    );
    expect(y.values).toEqual(expected);
  });

  test('types that differ', () => {
    tf.tidy(() => {
      const y = tf.where(tf.tensor1d([true, false]), tf.tensor1d([1.5, 2.5]), tf.tensor1d([3, 4], 'int32'));
      expect(y.dtype).toBe('float32');
      expect(Array.from(y.dataSync())).toEqual([1.5, 4]);
    });
  });
});

describe('cast', () => {
  const floats = [
    0,
    -0,
    0.9,
    -0.9,
    2.5,
    -7.99,
    2147483520,
    2147483648,
    -2147483648,
    -2147483904,
    3e9,
    1e20,
    NaN,
    Infinity,
  ];

  test('float32 to int32 truncates, modulo 2³²', async () => {
    const y = await evaluate(() => tf.cast(tf.tensor1d(floats), 'int32'));
    expect(y.dtype).toBe('int32');
    expect(y.values).toEqual(floats.map((v) => Math.fround(v) | 0));
    // A block without numbers that are out of range, then one with.
    const long = Array.from({ length: 600 }, (_, i) => (i === 599 ? -3e9 : i - 300.5));
    const z = await evaluate(() => tf.cast(tf.tensor1d(long), 'int32'));
    expect(z.values).toEqual(long.map((v) => v | 0));
  });

  test.each<[string, string, number[], number[]]>([
    ['float32', 'bool', [0, -0, 0.1, -2, NaN], [0, 0, 1, 1, 1]],
    ['int32', 'float32', [1, -5, 16777217], [1, -5, 16777216]],
    ['int32', 'bool', [0, 3, -1, 256], [0, 1, 1, 1]],
    ['bool', 'float32', [0, 1], [0, 1]],
    ['bool', 'int32', [0, 1], [0, 1]],
  ])('%s to %s', async (from, to, values, expected) => {
    const y = await evaluate(() => tf.cast(tf.tensor1d(values, from as 'int32'), to as 'int32'));
    expect(y).toEqual({ values: expected, dtype: to, shape: [values.length] });
  });

  test('to the same type shares memory', async () => {
    for (const dtype of ['float32', 'int32', 'bool'] as const) {
      const x = tf.tensor1d([1, 0, 1], dtype);
      const blocks = memory().blocksInUse;
      const y = tf.cast(x, dtype);
      expect(memory().blocksInUse).toBe(blocks);
      x.dispose();
      expect(Array.from(await y.data())).toEqual([1, 0, 1]);
      y.dispose();
    }
  });

  test('complex numbers still go both ways', () => {
    tf.tidy(() => {
      const z = tf.cast(tf.tensor1d([1, -2], 'int32'), 'complex64');
      expect(Array.from(tf.real(z).dataSync())).toEqual([1, -2]);
      expect(Array.from(tf.cast(z, 'int32').dataSync())).toEqual([1, -2]);
    });
  });
});

describe('fill', () => {
  test.each<[number | boolean, 'float32' | 'int32' | 'bool' | undefined, string, number]>([
    [0.1, undefined, 'float32', Math.fround(0.1)],
    [NaN, 'float32', 'float32', NaN],
    [-2.9, 'int32', 'int32', -2],
    [3e9, 'int32', 'int32', 3e9 - 2 ** 32],
    [NaN, 'int32', 'int32', 0],
    [1, 'bool', 'bool', 1],
    [true, undefined, 'bool', 1],
  ])('%s as %s', async (value, dtype, expectedDtype, expected) => {
    const y = await evaluate(() => tf.fill([3, 2], value as number, dtype));
    expect(y).toEqual({ values: Array<number>(6).fill(expected), dtype: expectedDtype, shape: [3, 2] });
  });

  test('strings', () => {
    tf.tidy(() => {
      expect(tf.fill([2], 'a', 'string').dataSync()).toEqual(['a', 'a']);
    });
  });

  test('zerosLike and onesLike keep type and shape', async () => {
    for (const dtype of ['float32', 'int32', 'bool'] as const) {
      const zeros = await evaluate(() => tf.zerosLike(tf.tensor([1, 1], [2, 1], dtype)));
      expect(zeros).toEqual({ values: [0, 0], dtype, shape: [2, 1] });
      const ones = await evaluate(() => tf.onesLike(tf.tensor([0, 1], [2, 1], dtype)));
      expect(ones).toEqual({ values: [1, 1], dtype, shape: [2, 1] });
    }
    tf.tidy(() => {
      const z = tf.complex([1, 2], [3, 4]);
      expect(Array.from(tf.real(tf.onesLike(z)).dataSync())).toEqual([1, 1]);
      expect(Array.from(tf.imag(tf.zerosLike(z)).dataSync())).toEqual([0, 0]);
    });
  });

  test('beyond the cache', async () => {
    const { values } = await evaluate(() => tf.fill([2 ** 21 + 1], 7, 'int32'));
    expect(values.every((value) => value === 7)).toBe(true);
  });
});

test('the native side refuses to convert a type to itself', () => {
  tf.tidy(() => {
    const call = onednn().call(kernelNumber('Cast'));
    call.tensor(tf.zeros([2]));
    call.output([2]);
    expect(() => call.run()).toThrow('expected two different types');
  });
});
