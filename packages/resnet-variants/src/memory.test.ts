import { countActivations } from '@bag/network';
import { crossEntropy, PendingStatistics, valueAndGradients } from '@bag/ops';
import { describeOnBackends, peakBytes } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { cifarResnet } from './resnet.js';

// Not on cpu: the step takes half a minute on the cpu backend, and the engine's bookkeeping is the same.
describeOnBackends(
  'memory',
  () => {
    test.each(['b', 'd'] as const)('a step of ResNet-20 %s peaks within 1.3 × what it must save', (variant) => {
      const network = cifarResnet({ depth: 20, variant }, { random: Math.random });
      const [batch, side] = [4, 16];
      const images = tf.randomNormal<tf.Rank.R4>([batch, side, side, 3]);
      const labels = tf.zeros<tf.Rank.R1>([batch], 'int32');
      const trainable = network.parameters.filter(({ variable }) => variable.trainable);
      const step = () => {
        const statistics = new PendingStatistics();
        const { value, gradients } = valueAndGradients(
          () => tf.mean(crossEntropy({ logits: network.apply(images, { training: true, statistics }), labels })),
          trainable,
        );
        statistics.discard();
        return [value, gradients];
      };
      tf.dispose(step());
      const { peak, result } = peakBytes(step);
      tf.dispose(result);
      // The backward pass needs what every convolution gives and what every BatchNorm makes of it; in D, pooled inputs too.
      const bytes = 4 * batch * countActivations(network.architecture, side);
      // Gradients of the parameters, which the step returns.
      const gradients = trainable.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
      expect((peak - gradients) / bytes).toBeLessThan(1.3);
      tf.dispose([images, labels]);
      network.dispose();
    });
  },
  ['wasm', 'onednn'],
);
