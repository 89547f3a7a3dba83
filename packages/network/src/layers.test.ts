import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import type { Architecture, Node } from './architecture.js';
import { everyKind, filledNetwork } from './fixtures/every-kind.js';
import { toLayersModel } from './layers.js';

// What the models of the other networks give is tested in `@bag/models`, which has them.

beforeAll(() => tf.setBackend('cpu'));

const pool = (window: Partial<Extract<Node, { kind: 'averagePool' }>>): Architecture => ({
  ...everyKind,
  nodes: [
    {
      kind: 'averagePool',
      name: 'mean',
      inputs: ['images'],
      size: 3,
      stride: 1,
      padding: 1,
      ceil: false,
      countPadding: false,
      ...window,
    },
  ],
  head: { ...everyKind.head, features: 3 },
});

test.each([
  ['keeps the size, padding not counted', {}],
  ['keeps the size, padding counted', { countPadding: true }],
  ['keeps the size, padding counted; rounded up, which is the same', { countPadding: true, ceil: true }],
  ['windows side by side, the last not full', { size: 2, stride: 2, padding: 0, ceil: true }],
  ['windows side by side, the rest left out', { size: 2, stride: 2, padding: 0 }],
  ['windows that overlap, nothing padded', { stride: 2, padding: 0 }],
])('an average pool that %s', async (_, window) => {
  const network = filledNetwork(pool(window));
  const images = tf.randomNormal<tf.Rank.R4>([2, 7, 10, 3], 0, 1, 'float32', 1);
  const [ours, theirs] = [network.apply(images), toLayersModel(network).predict(images) as tf.Tensor];
  expect(ours.shape).toEqual(theirs.shape);
  const expected = await ours.data();
  for (const [i, value] of (await theirs.data()).entries()) expect(value).toBeCloseTo(expected[i] as number, 5);
});

test.each([
  ['padding that is not counted where the size changes', { stride: 2 }],
  ['a last window that is not full among those that overlap', { stride: 2, padding: 0, ceil: true }],
])('an average pool with %s is refused', (_, window) => {
  expect(() => toLayersModel(filledNetwork(pool(window)))).toThrow('toLayersModel: no stock layer pools as mean does');
});
