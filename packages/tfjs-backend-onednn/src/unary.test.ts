import { expectAllClose } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { evaluate } from './fixtures/onednn.js';
import './index.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

/** Every size of float32 with both signs, and the edges: 0, ±∞, NaN, the smallest and the largest numbers. */
const floats = Float32Array.from([
  ...Array.from({ length: 200 }, (_, i) => 1.6 ** (i - 100) * 1.0123),
  ...Array.from({ length: 200 }, (_, i) => -(1.7 ** (i - 100)) * 1.0321),
  ...Array.from({ length: 1001 }, (_, i) => (i - 500) / 37),
  ...[0, -0, 1, -1, Infinity, -Infinity, NaN, 1e-45, -1e-45, 1.2e-38, 3.4028235e38, -3.4028235e38],
  ...[88.722, 88.723, 89, -87.336, -87.337, -103.97, -103.98, -150, 16.6, -16.7, 9.01, 2 ** -24, -(2 ** -24), 1e-20],
]);

// Math has neither, and the plain formulas overflow or cancel.
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const [seluScale, seluScaleAlpha] = [1.0507009873554805, 1.7580993408473766];

/** Halves go to the even neighbour. */
function round(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

type Run = (x: tf.Tensor) => tf.Tensor;
const unit = 2 ** -23;

describe('float32', () => {
  // The number is how many units in the last place a result may be off.
  test.each<[string, Run, (x: number) => number, number]>([
    ['abs', tf.abs, Math.abs, 0],
    ['neg', tf.neg, (x) => -x, 0],
    ['sign', tf.sign, (x) => (x > 0 ? 1 : x < 0 ? -1 : 0), 0],
    ['square', tf.square, (x) => x * x, 0],
    ['sqrt', tf.sqrt, Math.sqrt, 0],
    ['rsqrt', tf.rsqrt, (x) => 1 / Math.sqrt(x), 1.5],
    ['reciprocal', tf.reciprocal, (x) => 1 / x, 0],
    ['ceil', tf.ceil, Math.ceil, 0],
    ['floor', tf.floor, Math.floor, 0],
    ['round', tf.round, round, 0],
    ['exp', tf.exp, Math.exp, 1.5],
    ['expm1', tf.expm1, Math.expm1, 2],
    ['log', tf.log, Math.log, 1.5],
    ['log1p', tf.log1p, Math.log1p, 2],
    ['tanh', tf.tanh, Math.tanh, 3],
    ['sigmoid', tf.sigmoid, sigmoid, 3],
    ['softplus', tf.softplus, softplus, 2.5],
    ['elu', tf.elu, (x) => (x >= 0 ? x : Math.expm1(x)), 2],
    ['selu', tf.selu, (x) => (x >= 0 ? seluScale * x : seluScaleAlpha * Math.expm1(x)), 3],
    ['relu', tf.relu, (x) => Math.max(0, x), 0],
    ['relu6', tf.relu6, (x) => Math.min(6, Math.max(0, x)), 0],
    ['leakyRelu', (x) => tf.leakyRelu(x, 0.25), (x) => (x < 0 ? 0.25 * x : x), 0],
    ['step', (x) => tf.step(x, 0.5), (x) => (Number.isNaN(x) ? NaN : x > 0 ? 1 : 0.5), 0],
    ['clipByValue', (x) => tf.clipByValue(x, -1.5, 2), (x) => Math.min(2, Math.max(-1.5, x)), 0],
    ['sin', tf.sin, Math.sin, 1.5],
    ['cos', tf.cos, Math.cos, 1.5],
    ['tan', tf.tan, Math.tan, 0.5],
    ['asin', tf.asin, Math.asin, 1.5],
    ['acos', tf.acos, Math.acos, 1.5],
    ['atan', tf.atan, Math.atan, 1.5],
    ['sinh', tf.sinh, Math.sinh, 2.5],
    ['cosh', tf.cosh, Math.cosh, 2.5],
    ['asinh', tf.asinh, Math.asinh, 2.5],
    ['acosh', tf.acosh, Math.acosh, 2.5],
    ['atanh', tf.atanh, Math.atanh, 2.5],
  ])('%s', async (_name, run, reference, units) => {
    const y = await evaluate(() => run(tf.tensor1d(floats)));
    expect(y.dtype).toBe('float32');
    const expected = Array.from(floats, (x) => Math.fround(reference(x)));
    expectAllClose(y.values, expected, { relative: units * unit, absolute: units * 2 ** -149 });
  });

  test('erf', async () => {
    // From tables of the function, to ten digits.
    const table: [number, number][] = [
      [0, 0],
      [1e-30, 1.128379167e-30],
      [0.01, 0.01128341556],
      [0.25, 0.2763263902],
      [0.5, 0.5204998778],
      [0.9, 0.7969082124],
      [1, 0.8427007929],
      [1.5, 0.9661051465],
      [2, 0.995322265],
      [3, 0.9999779095],
      [5, 1],
      [Infinity, 1],
      [NaN, NaN],
    ];
    const arguments_ = table.flatMap(([x]) => [Math.fround(x), -Math.fround(x)]);
    const y = await evaluate(() => tf.erf(tf.tensor1d(arguments_)));
    expectAllClose(
      y.values,
      table.flatMap(([, value]) => [value, -value]),
      { relative: 4 * unit },
    );
  });

  test('the sign of zero', async () => {
    const odd = [tf.expm1, tf.log1p, tf.tanh, tf.sin, tf.asinh, tf.erf, tf.elu, tf.sqrt, tf.ceil, tf.floor];
    for (const run of odd) expect((await evaluate(() => run(tf.tensor1d([0, -0])))).values).toEqual([0, -0]);
    expect((await evaluate(() => tf.relu(tf.tensor1d([-0, -1])))).values).toEqual([0, 0]);
    expect((await evaluate(() => tf.ceil(tf.scalar(-0.5)))).values).toEqual([-0]);
  });

  test('a value has the same result wherever it stands', async () => {
    const n = 40003;
    for (const run of [tf.exp, tf.log, tf.tanh, tf.sigmoid, tf.softplus, tf.sqrt]) {
      const { values } = await evaluate(() => run(tf.fill([n], 0.7310585)));
      expect(new Set(values).size).toBe(1);
    }
  });

  test('results beyond the cache', async () => {
    // A result of 6 MiB and more is written past it.
    const n = 2 ** 21 + 3;
    const { values } = await evaluate(() => tf.neg(tf.tensor1d(Float32Array.from({ length: n }, (_, i) => i))));
    expect(values.length).toBe(n);
    expect(values.findIndex((value, i) => value !== -i)).toBe(-1);
    const small = Float32Array.from({ length: n }, (_, i) => (i % 1000) / 500 - 1);
    const { values: powers } = await evaluate(() => tf.exp(tf.tensor1d(small)));
    const off = (value: number, i: number) => Math.abs(value / Math.exp(small[i] as number) - 1) > 2e-7;
    expect(powers.findIndex(off)).toBe(-1);
  });

  test('every rank, and nothing', async () => {
    for (const shape of [[], [1], [0], [2, 0, 3], [1, 2, 1, 3, 1, 2]]) {
      const y = await evaluate(() => tf.square(tf.fill(shape, 3)));
      const size = tf.util.sizeFromShape(shape);
      expect(y).toEqual({ values: Array<number>(size).fill(9), dtype: 'float32', shape });
    }
  });
});

describe('tests give bool', () => {
  test.each<[string, Run, (x: number) => boolean, number]>([
    ['isNaN', tf.isNaN, Number.isNaN, 0],
    ['isInf', tf.isInf, (x) => Math.abs(x) === Infinity, 0],
    ['isFinite', tf.isFinite, Number.isFinite, 1],
  ])('%s', async (_name, run, reference, ofIntegers) => {
    const y = await evaluate(() => run(tf.tensor1d(floats)));
    expect(y.dtype).toBe('bool');
    expect(y.values).toEqual(Array.from(floats, (x) => Number(reference(x))));
    const z = await evaluate(() => run(tf.tensor1d([0, 7], 'int32')));
    expect(z).toEqual({ values: [ofIntegers, ofIntegers], dtype: 'bool', shape: [2] });
  });
});

describe('int32', () => {
  const integers = [0, 1, -1, 5, 7, -16777217, 2147483647, -2147483648];

  test.each<[string, Run, (x: number) => number]>([
    ['abs', tf.abs, (x) => Math.abs(x) | 0],
    ['neg', tf.neg, (x) => (0 - x) | 0],
    ['sign', tf.sign, Math.sign],
    ['square', tf.square, (x) => Math.imul(x, x)],
    ['relu', tf.relu, (x) => Math.max(0, x)],
    ['relu6', tf.relu6, (x) => Math.min(6, Math.max(0, x))],
    ['ceil', (x) => tf.engine().runKernel('Ceil', { x }), (x) => x],
    ['floor', (x) => tf.engine().runKernel('Floor', { x }), (x) => x],
    ['round', tf.round, (x) => x],
    ['clipByValue', (x) => tf.clipByValue(x, -3, 6), (x) => Math.min(6, Math.max(-3, x))],
  ])('%s', async (_name, run, reference) => {
    const y = await evaluate(() => run(tf.tensor1d(integers, 'int32')));
    expect(y.dtype).toBe('int32');
    expect(y.values).toEqual(integers.map(reference));
  });

  test('exp and leakyRelu give float32', async () => {
    const e = await evaluate(() => tf.exp(tf.tensor1d([0, 1, -2], 'int32')));
    expect(e.dtype).toBe('float32');
    expectAllClose(e.values, [1, Math.E, Math.exp(-2)], { relative: 1.5 * unit });
    const l = await evaluate(() => tf.leakyRelu(tf.tensor1d([4, -8], 'int32'), 0.25));
    expect(l).toEqual({ values: [4, -2], dtype: 'float32', shape: [2] });
  });

  test('what is rare is still right', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([4, -2, 9], 'int32');
      expect(Array.from(tf.reciprocal(x).dataSync())).toEqual([0, 0, 0]);
      expect(Array.from(tf.clipByValue(x, -1.5, 4.5).dataSync())).toEqual([4, -1, 4]);
      expect(Array.from(tf.step(x).dataSync())).toEqual([1, 0, 1]);
    });
  });
});
