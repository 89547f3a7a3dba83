import { describeOnBackends, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { cutmix, mixup, noBiasDecay, smoothLabels } from './index.js';
import * as exports from './index.js';

/** Park and Miller’s generator: a constant would be rejected for ever. */
let state = 1;
const random = () => (state = (state * 16807) % 2147483647) / 2147483647;

/** Every export, with the call that turns it off and one that does something: [name, off, on, tensors that it makes]. */
const table: Record<string, { off: (batch: Batch) => tf.Tensor[]; on: (batch: Batch) => tf.Tensor[] }> = {
  smoothLabels: {
    off: ({ soft }) => [smoothLabels(soft, { epsilon: 0 })],
    on: ({ soft }) => [smoothLabels(soft, { epsilon: 0.1 })],
  },
  mixup: {
    off: ({ images, soft }) => outputs(mixup({ images, labels: soft }, { alpha: 0, random })),
    on: ({ images, soft }) => outputs(mixup({ images, labels: soft }, { alpha: 0.2, random })),
  },
  cutmix: {
    off: ({ images, soft }) => outputs(cutmix({ images, labels: soft }, { alpha: 0, random })),
    on: ({ images, soft }) => outputs(cutmix({ images, labels: soft }, { random })),
  },
  noBiasDecay: { off: () => noTensors(0), on: () => noTensors(1) },
};

interface Batch {
  images: tf.Tensor4D;
  soft: tf.Tensor2D;
}

function outputs(mixed: {
  images: tf.Tensor4D;
  labels: tf.Tensor2D;
  partnerLabels: tf.Tensor2D;
  softLabels: tf.Tensor2D;
}) {
  mixed.partnerLabels.dispose();
  mixed.labels.dispose();
  return [mixed.softLabels, mixed.images];
}

function noTensors(weightDecay: number): tf.Tensor[] {
  const groups = noBiasDecay([{ shape: [2, 2] }, { shape: [2] }], { weightDecay });
  expect(groups.map((group) => group.weightDecay)).toEqual([weightDecay, 0]);
  return [];
}

test('the table has every export', () => {
  expect(Object.keys(table).sort()).toEqual(Object.keys(exports).sort());
});

describeOnBackends('contract', () => {
  test.each(Object.entries(table))('%s: off is the identity; dtype kept, finite, no leak', async (_, { off, on }) => {
    const images = tf.randomNormal<tf.Rank.R4>([5, 4, 4, 3]);
    const soft = tf.tidy(() => tf.softmax(tf.randomNormal<tf.Rank.R2>([5, 7])));
    const inputs = [await soft.data(), await images.data()];
    await expectNoLeak(async () => {
      const results = off({ images, soft });
      for (const [i, result] of results.entries()) expect(await result.data()).toEqual(inputs[i]);
      tf.dispose(results);
    });
    await expectNoLeak(async () => {
      const results = on({ images, soft });
      for (const result of results) {
        expect(result.dtype).toBe('float32');
        expect((await result.data()).every(Number.isFinite)).toBe(true);
      }
      tf.dispose(results);
    });
    expect([await soft.data(), await images.data()]).toEqual(inputs);
    tf.dispose([images, soft]);
  });
});
