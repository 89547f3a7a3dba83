import { expectAllClose } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { describeOnWebGpu } from '../fixtures/on-webgpu.js';

const values = [-30, -5, -1, -0.5, -0.49, -1e-3, -1e-7, 0, 1e-10, 1e-7, 1e-3, 0.1, 0.49, 0.5, 0.51, 1, 3, 7, 20, 60];
const positive = values.filter((v) => v > 0);
const elu = (v: number) => (v >= 0 ? v : Math.expm1(v));

/** By JavaScript's own functions, in double precision. */
const cases: [name: string, f: (x: tf.Tensor) => tf.Tensor, exact: (v: number) => number, arguments_: number[]][] = [
  ['exp', tf.exp, Math.exp, values],
  ['expm1', tf.expm1, Math.expm1, values],
  ['log', tf.log, Math.log, positive],
  ['log1p', tf.log1p, Math.log1p, values.filter((v) => v > -1)],
  ['tanh', tf.tanh, Math.tanh, values],
  ['sigmoid', tf.sigmoid, (v) => 1 / (1 + Math.exp(-v)), values],
  ['softplus', tf.softplus, (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))), values],
  ['elu', tf.elu, elu, values],
  ['selu', tf.selu, (v) => (v >= 0 ? 1.0507009873554805 * v : 1.7580993408473768 * Math.expm1(v)), values],
  ['relu6', tf.relu6, (v) => Math.min(Math.max(v, 0), 6), values],
];

describeOnWebGpu('functions of one number', () => {
  test.each(cases)('%s: to six digits, near 0 too', async (_, f, exact, arguments_) => {
    const x = Float32Array.from(arguments_);
    const y = tf.tidy(() => f(tf.tensor1d(x)));
    // Vulkan allows exp an error that grows with its argument, and log an absolute one of 2⁻²¹.
    expectAllClose(await y.data(), Float32Array.from(x, exact), { relative: 2e-5, absolute: 1e-12 });
    y.dispose();
  });

  test.each(cases)('%s: a NaN stays one', async (_, f) => {
    const y = tf.tidy(() => f(tf.tensor1d([1, NaN, 2, 3])));
    expect(Array.from(await y.data(), Number.isNaN)).toEqual([false, true, false, false]);
    y.dispose();
  });

  test('log: of 0, of less, of infinity', async () => {
    const y = tf.tidy(() => tf.log(tf.tensor1d([0, -1, Infinity])));
    expect([...(await y.data())]).toEqual([-Infinity, NaN, Infinity]);
    y.dispose();
  });

  test('of int32', async () => {
    const x = tf.tensor1d([-3, 2, 9], 'int32');
    const [bounded, powers] = [tf.relu6(x), tf.exp(x)];
    expect([bounded.dtype, ...(await bounded.data())]).toEqual(['int32', 0, 2, 6]);
    expect(powers.dtype).toBe('float32');
    expectAllClose(await powers.data(), [-3, 2, 9].map(Math.exp), { relative: 1e-5 });
    tf.dispose([x, bounded, powers]);
  });
});
