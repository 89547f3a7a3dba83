import { crossEntropy, PendingStatistics, valueAndGradients } from '@bag/ops';
import { describeOnBackends, expectNoLeak } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { test } from 'vitest';
import { cases, expectAsPyTorch } from './fixtures/networks.js';
import { cifarResnet } from './resnet.js';

describeOnBackends('networks equal PyTorch’s', (backend) => {
  // The cpu backend takes many seconds for each: a small one here, a ResNet-50-D in network.long.test.ts.
  const tested = backend === 'cpu' ? cases.filter(({ pad }) => pad) : cases;
  test.each(tested)('$family $depth $variant, pad $pad: forward, gradients, statistics', expectAsPyTorch);

  test('a training step leaves as many tensors as it found', async () => {
    const network = cifarResnet({ depth: 8, variant: 'd', width: 4 }, { random: Math.random });
    const images = tf.randomUniform<tf.Rank.R4>([2, 16, 16, 3]);
    const labels = tf.tensor1d([1, 2], 'int32');
    await expectNoLeak(() => {
      const statistics = new PendingStatistics();
      const { value, gradients } = valueAndGradients(
        () => tf.mean(crossEntropy({ logits: network.apply(images, { training: true, statistics }), labels })),
        network.parameters.filter(({ variable }) => variable.trainable),
      );
      statistics.commit();
      tf.dispose([value, gradients]);
    });
    tf.dispose([images, labels]);
    await expectNoLeak(() => network.dispose(), -network.parameters.length);
  });
});
