import { testContract } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import * as exports from './index.js';
import { cutmix, mixup, noBiasDecay, smoothLabels } from './index.js';

/** Park and Miller’s generator from the same start each time; a constant would be rejected for ever. */
function generator(): () => number {
  let state = 1;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}
const mixed = ({ images, softLabels }: { images: tf.Tensor; softLabels: tf.Tensor }) => ({ images, softLabels });

testContract({
  exports,
  inputs: () => ({
    images: tf.randomNormal<tf.Rank.R4>([5, 4, 4, 3], 0, 1, 'float32', 1),
    labels: tf.tidy(() => tf.softmax(tf.randomNormal<tf.Rank.R2>([5, 7], 0, 1, 'float32', 2))),
  }),
  table: {
    smoothLabels: {
      on: ({ labels }) => smoothLabels(labels, { epsilon: 0.1 }),
      off: ({ labels }) => [smoothLabels(labels, { epsilon: 0 }), labels],
    },
    mixup: {
      on: ({ images, labels }) => mixup({ images, labels }, { alpha: 0.2, random: generator() }),
      off: ({ images, labels }) => [
        mixed(mixup({ images, labels }, { alpha: 0, random: generator() })),
        mixed({ images, softLabels: labels }),
      ],
    },
    cutmix: {
      on: ({ images, labels }) => cutmix({ images, labels }, { random: generator() }),
      off: ({ images, labels }) => [
        mixed(cutmix({ images, labels }, { alpha: 0, random: generator() })),
        mixed({ images, softLabels: labels }),
      ],
    },
    noBiasDecay: {
      on: () => noBiasDecay([{ shape: [2, 2] }, { shape: [2] }], { weightDecay: 1 }),
      off: () => [noBiasDecay([{ shape: [2, 2] }], { weightDecay: 0 })[0]?.weightDecay, 0],
    },
  },
});
