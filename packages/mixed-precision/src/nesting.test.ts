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

const valueOf = (f: () => tf.Tensor): number => tf.tidy(() => f().dataSync()[0] as number);
const product = () => valueOf(() => tf.matMul(tf.fill([1, 1], 1 / 3), tf.ones([1, 1])));
const convolution = () => tf.conv2d(tf.fill<tf.Rank.R4>([1, 1, 1, 1], 1 / 3), tf.ones([1, 1, 1, 1]), 1, 'valid');
const depthwise = () => valueOf(() => depthwiseConv2d(tf.fill([1, 1, 1, 1], 1 / 3), tf.ones([1, 1, 1, 1])));
const convolved = () => valueOf(convolution);

describeOnBackends('policies inside of policies', () => {
  test.each(pairs)('%s, and in it %s', (outerName, innerName) => {
    const [outer, inner] = [policy({ dtype: outerName }), policy({ dtype: innerName })];
    const seen = outer.step(() =>
      outer.autocast(() => {
        const before = product();
        const within = inner.autocast(() => [
          product(),
          convolved(),
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
    expect(seen).toEqual([out, in_, in_, in_, out, in_, out]);
    expect(product()).toBe(third.fp32);
  });

  test('a whole step inside of another', () => {
    const [half, brain] = [policy({ dtype: 'fp16' }), policy({ dtype: 'bf16' })];
    const seen = half.step(() => [brain.step(() => brain.autocast(product)), half.autocast(product), product()]);
    expect(seen).toEqual([third.bf16, third.fp16, third.fp32]);
  });

  test.each(['bf16', 'fp16'] as const)('float32 in %s: products of 16-bit values are float32', (name) => {
    const [half, full] = [policy({ dtype: name }), policy({ dtype: 'fp32' })];
    const square = half.step(() =>
      half.autocast(() =>
        valueOf(() => {
          const x = tf.matMul(tf.fill([1, 1], 1 / 3), tf.ones([1, 1]));
          return full.autocast(() => tf.matMul(x, x));
        }),
      ),
    );
    expect(square).toBe(third[name] ** 2);
  });

  test('values of two formats make float32, where no policy is in force', () => {
    const [half, brain] = [policy({ dtype: 'fp16' }), policy({ dtype: 'bf16' })];
    const sum = half.step(() =>
      valueOf(() => {
        const x = half.autocast(() => tf.matMul(tf.fill([1, 1], 1 / 3), tf.ones([1, 1])));
        const y = brain.autocast(() => tf.matMul(tf.fill([1, 1], 1 / 3), tf.ones([1, 1])));
        return tf.add(x, y);
      }),
    );
    expect(sum).toBe(third.fp16 + third.bf16);
  });
});

describeOnBackends('operations in float32', () => {
  test('only those that are named', () => {
    const precision = policy({ dtype: 'bf16', float32: ['matMul'] });
    expect(precision.autocast(() => [product(), convolved()])).toEqual([third.fp32, third.bf16]);
    const other = policy({ dtype: 'bf16', float32: ['convolution', 'depthwiseConvolution'] });
    expect(other.autocast(() => [product(), convolved(), depthwise()])).toEqual([third.bf16, third.fp32, third.fp32]);
    const dense = policy({ dtype: 'bf16', float32: ['convolution'] });
    expect(dense.autocast(() => [convolved(), depthwise()])).toEqual([third.fp32, third.bf16]);
    expect(precision.describe()).toContain('bfloat16 (matMul in float32), ');
  });

  test('an inner policy has its own', () => {
    const precision = policy({ dtype: 'bf16', float32: ['matMul'] });
    const inner = policy({ dtype: 'fp16' });
    expect(precision.autocast(() => [inner.autocast(product), product()])).toEqual([third.fp16, third.fp32]);
  });

  test('their gradients too', () => {
    const precision = policy({ dtype: 'bf16', float32: ['matMul'] });
    const [dx, dw] = precision.step(() =>
      tf.tidy(() => {
        const x = precision.autocast(convolution);
        const f = (x: tf.Tensor, w: tf.Tensor) => precision.autocast(() => tf.matMul(tf.reshape(x, [1, 1]), w));
        const gradients = tf.grads(f)([x, tf.fill([1, 1], 0.7)], tf.fill([1, 1], 0.1));
        return gradients.map((gradient) => gradient.dataSync()[0]);
      }),
    );
    const f = Math.fround;
    expect([dx, dw]).toEqual([f(f(0.7) * f(0.1)), f(third.bf16 * f(0.1))]);
  });

  test('an unknown one is refused', () => {
    expect(() => policy({ dtype: 'bf16', float32: ['BatchMatMul' as 'matMul'] })).toThrow(
      'policy: float32 knows no operation BatchMatMul; expected any of convolution, depthwiseConvolution, matMul',
    );
  });
});
