import { depthwiseConv2d } from '@bag/ops';
import { describeOnBackends } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { policy } from './index.js';

/** 1/3 in each precision, by hand: 1.0101010…₂ · 2⁻², cut after 7, 10 and 23 binary places and rounded. */
const third = { bf16: 0.333984375, fp16: 0.333251953125, fp32: 11184811 / 2 ** 25 };
type Name = keyof typeof third;
const names = Object.keys(third) as Name[];
const pairs = names.flatMap((outer) => names.map((inner) => [outer, inner] as const));

const product = () => tf.tidy(() => tf.matMul(tf.fill([1, 1], 1 / 3), tf.ones([1, 1])));
const convolution = () =>
  tf.tidy(() => tf.conv2d(tf.fill<tf.Rank.R4>([1, 1, 1, 1], 1 / 3), tf.ones([1, 1, 1, 1]), 1, 'valid'));
const depthwise = () => tf.tidy(() => depthwiseConv2d(tf.fill([1, 1, 1, 1], 1 / 3), tf.ones([1, 1, 1, 1])));

/** The single numbers of tensors, which are disposed. Read after the step: a GPU cannot within it. */
async function valuesOf(tensors: tf.Tensor[]): Promise<number[]> {
  const values = await Promise.all(tensors.map(async (tensor) => (await tensor.data())[0] as number));
  tf.dispose(tensors);
  return values;
}

describeOnBackends('policies inside of policies', () => {
  test.each(pairs)('%s, and in it %s', async (outerName, innerName) => {
    const [outer, inner] = [policy({ dtype: outerName }), policy({ dtype: innerName })];
    const seen = outer.step(() =>
      outer.autocast(() => {
        const before = product();
        const within = inner.autocast(() => [
          product(),
          convolution(),
          depthwise(),
          outer.autocast(depthwise),
          product(),
        ]);
        expect(() =>
          inner.autocast(() => {
            throw new Error('stop');
          }),
        ).toThrow('stop');
        return [before, ...within, product()];
      }),
    );
    const [out, in_] = [third[outerName], third[innerName]];
    expect(await valuesOf(seen)).toEqual([out, in_, in_, in_, out, in_, out]);
    expect(await valuesOf([product()])).toEqual([third.fp32]);
  });

  test('a whole step inside of another', async () => {
    const [half, brain] = [policy({ dtype: 'fp16' }), policy({ dtype: 'bf16' })];
    const seen = half.step(() => [brain.step(() => brain.autocast(product)), half.autocast(product), product()]);
    expect(await valuesOf(seen)).toEqual([third.bf16, third.fp16, third.fp32]);
  });

  test.each(['bf16', 'fp16'] as const)('float32 in %s: products of 16-bit values are float32', async (name) => {
    const [half, full] = [policy({ dtype: name }), policy({ dtype: 'fp32' })];
    const square = half.step(() =>
      half.autocast(() =>
        tf.tidy(() => {
          const x = tf.matMul(tf.fill([1, 1], 1 / 3), tf.ones([1, 1]));
          return full.autocast(() => tf.matMul(x, x));
        }),
      ),
    );
    expect(await valuesOf([square])).toEqual([third[name] ** 2]);
  });

  test('values of two formats make float32, where no policy is in force', async () => {
    const [half, brain] = [policy({ dtype: 'fp16' }), policy({ dtype: 'bf16' })];
    const sum = half.step(() =>
      tf.tidy(() => {
        const x = half.autocast(() => tf.matMul(tf.fill([1, 1], 1 / 3), tf.ones([1, 1])));
        const y = brain.autocast(() => tf.matMul(tf.fill([1, 1], 1 / 3), tf.ones([1, 1])));
        return tf.add(x, y);
      }),
    );
    expect(await valuesOf([sum])).toEqual([third.fp16 + third.bf16]);
  });
});

describeOnBackends('operations in float32', () => {
  test('only those that are named', async () => {
    const precision = policy({ dtype: 'bf16', float32: ['matMul'] });
    expect(await valuesOf(precision.autocast(() => [product(), convolution()]))).toEqual([third.fp32, third.bf16]);
    const other = policy({ dtype: 'bf16', float32: ['convolution', 'depthwiseConvolution'] });
    expect(await valuesOf(other.autocast(() => [product(), convolution(), depthwise()]))).toEqual([
      third.bf16,
      third.fp32,
      third.fp32,
    ]);
    const dense = policy({ dtype: 'bf16', float32: ['convolution'] });
    expect(await valuesOf(dense.autocast(() => [convolution(), depthwise()]))).toEqual([third.fp32, third.bf16]);
    expect(precision.describe()).toContain('bfloat16 (matMul in float32), ');
  });

  test('an inner policy has its own', async () => {
    const precision = policy({ dtype: 'bf16', float32: ['matMul'] });
    const inner = policy({ dtype: 'fp16' });
    expect(await valuesOf(precision.autocast(() => [inner.autocast(product), product()]))).toEqual([
      third.fp16,
      third.fp32,
    ]);
  });

  test('their gradients too', async () => {
    const precision = policy({ dtype: 'bf16', float32: ['matMul'] });
    const gradients = precision.step(() =>
      tf.tidy(() => {
        const x = precision.autocast(convolution);
        const f = (x: tf.Tensor, w: tf.Tensor) => precision.autocast(() => tf.matMul(tf.reshape(x, [1, 1]), w));
        return tf.grads(f)([x, tf.fill([1, 1], 0.7)], tf.fill([1, 1], 0.1));
      }),
    );
    const f = Math.fround;
    expect(await valuesOf(gradients)).toEqual([f(f(0.7) * f(0.1)), f(third.bf16 * f(0.1))]);
  });

  test('an unknown one is refused', () => {
    expect(() => policy({ dtype: 'bf16', float32: ['BatchMatMul' as 'matMul'] })).toThrow(
      'policy: float32 knows no operation BatchMatMul; expected any of convolution, depthwiseConvolution, matMul',
    );
  });
});
