import { conv2d, conv2dBackpropFilter, conv2dBackpropInput } from '@bag/ops';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setThreads, threads } from './index.js';

const before = threads();
beforeAll(() => tf.setBackend('onednn'));
afterAll(() => setThreads(before));

const attributes = {
  strides: [1, 1] as [number, number],
  pad: [
    [1, 1],
    [1, 1],
  ] as [[number, number], [number, number]],
  dilations: [1, 1] as [number, number],
};

/** The results of kernels whose sums depend on how the work is cut: with few channels, threads share the batch. */
async function results(): Promise<Record<string, number[]>> {
  const x = tf.randomNormal<tf.Rank.R4>([6, 20, 20, 8], 0, 1, 'float32', 1);
  const filter = tf.randomNormal<tf.Rank.R4>([3, 3, 8, 8], 0, 1, 'float32', 2);
  const y = conv2d(x, filter, { padding: 1 });
  const made = {
    y,
    dx: conv2dBackpropInput(y, filter, { ...attributes, inputShape: x.shape }),
    dFilter: conv2dBackpropFilter(x, y, { ...attributes, filterShape: filter.shape }),
    product: tf.tidy(() => tf.matMul(tf.reshape(x, [-1, 160]), tf.reshape(y, [-1, 160]), false, true)),
    sum: tf.sum(y),
  };
  const entries = Object.entries(made).map(async ([name, tensor]) => [name, Array.from(await tensor.data())] as const);
  const values = Object.fromEntries(await Promise.all(entries));
  tf.dispose([x, filter, made]);
  return values;
}

test('results depend on the number of threads alone, not on what ran before with another', async () => {
  setThreads(1);
  expect(threads()).toBe(1);
  const alone = await results();
  setThreads(3);
  const three = await results();
  setThreads(1);
  expect(await results()).toEqual(alone);
  setThreads(3);
  expect(await results()).toEqual(three);
  // Cut otherwise, the sum over the batch is rounded otherwise: the setting did reach the convolutions.
  expect(three['dFilter']).not.toEqual(alone['dFilter']);
});

test('refuses numbers of threads that are none', () => {
  for (const count of [0, -1, 1.5, NaN, 5000]) expect(() => setThreads(count)).toThrow(TypeError);
});
