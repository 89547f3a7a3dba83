import { noise, relativeError } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { describeOnWebGpu, onBoth } from '../fixtures/on-webgpu.js';

const random = <R extends tf.Rank>(shape: tf.ShapeMap[R], seed: number) =>
  tf.tensor<R>(
    noise(
      String(seed),
      shape.reduce<number>((a, b) => a * b, 1),
    ),
    shape,
  );

/** The same computation several times, on the same tensors. */
async function repeated(f: () => tf.Tensor): Promise<Float32Array[]> {
  const results: Float32Array[] = [];
  for (let i = 0; i < 4; i++) {
    const y = tf.tidy(f);
    results.push(await y.data<'float32'>());
    y.dispose();
  }
  return results;
}

describeOnWebGpu('products of long sums', () => {
  // The last layer of a ResNet-50 with ten classes, and what else the backend splits.
  const cases: [string, () => tf.Tensor][] = [
    ['matMul', () => tf.matMul(random([64, 2048], 1), random([2048, 10], 2))],
    ['transposed', () => tf.matMul(random([2048, 64], 1), random([10, 2048], 2), true, true)],
    ['fused', () => tf.fused.matMul({ a: random([64, 2048], 1), b: random([2048, 10], 2), activation: 'relu' })],
    ['1×1 convolution', () => tf.conv2d(random<tf.Rank.R4>([1, 8, 8, 2048], 1), random([1, 1, 2048, 10], 2), 1, 'valid')],
    ['as large as the image', () => tf.conv2d(random<tf.Rank.R4>([64, 4, 4, 128], 1), random([4, 4, 128, 10], 2), 1, 'valid')],
  ]; // prettier-ignore

  test.each(cases)('%s: the same each time, and right', async (_, f) => {
    const [first, ...others] = await repeated(f);
    for (const other of others) expect(other).toEqual(first);
    const [actual, expected] = await onBoth(f);
    expect(relativeError(actual, expected)).toBeLessThan(2e-6);
  });
});

interface Case {
  batch: number;
  size: [number, number];
  channels: [number, number];
  filter: [number, number];
  strides: [number, number];
  pad: 'same' | 'valid' | number;
}

const cases: Case[] = [
  { batch: 2, size: [8, 8], channels: [16, 16], filter: [3, 3], strides: [1, 1], pad: 1 },
  { batch: 1, size: [7, 9], channels: [3, 17], filter: [3, 3], strides: [2, 2], pad: 1 },
  { batch: 3, size: [9, 7], channels: [1, 4], filter: [5, 3], strides: [1, 2], pad: 'same' },
  { batch: 2, size: [15, 15], channels: [3, 8], filter: [7, 7], strides: [2, 2], pad: 3 },
  { batch: 4, size: [6, 6], channels: [64, 32], filter: [1, 1], strides: [1, 1], pad: 'valid' },
  { batch: 2, size: [7, 7], channels: [8, 16], filter: [1, 1], strides: [2, 2], pad: 'valid' },
  { batch: 2, size: [11, 10], channels: [5, 6], filter: [3, 3], strides: [3, 3], pad: 'valid' },
  // More than one product's worth of parts, of which there may be 2²⁴ / 512²: groups of seven images share one.
  { batch: 77, size: [1, 1], channels: [512, 512], filter: [1, 1], strides: [1, 1], pad: 'valid' },
];

describeOnWebGpu('the gradients of convolutions', () => {
  describe.each(cases)('%j', ({ batch, size, channels, filter, strides, pad }) => {
    test.each(['x', 'filter'])('of %s', async (of) => {
      const gradient = () => {
        const x = random<tf.Rank.R4>([batch, ...size, channels[0]], 1);
        const w = random<tf.Rank.R4>([...filter, ...channels], 2);
        const f = (x: tf.Tensor4D, w: tf.Tensor4D) => {
          const y = tf.conv2d(x, w, strides, pad);
          return tf.sum(tf.mul(y, random(y.shape, 3)));
        };
        return of === 'x' ? tf.grad((t) => f(t as tf.Tensor4D, w))(x) : tf.grad((t) => f(x, t as tf.Tensor4D))(w);
      };
      const [actual, expected] = await onBoth(gradient);
      expect(relativeError(actual, expected)).toBeLessThan(2e-6);
    });
  });
});
