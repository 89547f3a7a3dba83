import type { Network } from '@bag/network';
import { crossEntropy, PendingStatistics, valueAndGradients } from '@bag/ops';
import { describeOnBackends, expectNoLeak, fill, noise, relativeError, sketchError } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Variant } from './architecture.js';
import { cifarResnet, resnet } from './resnet.js';

interface Golden {
  family: 'imagenet' | 'cifar';
  depth: number;
  variant: Variant;
  width: number;
  size: number;
  batch: number;
  pad: boolean;
  /** Name of the noise that the images are. */
  images: string;
  inference: number[];
  training: number[];
  loss: number;
  gradients: Record<string, number[]>;
  statistics: Record<string, number[]>;
}
const path = new URL('fixtures/networks.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: Golden[] };

/** The network of a golden, with the golden's weights. */
function build({ family, depth, variant, width, pad }: Golden): Network {
  const options = { depth, variant, width, classes: 5 };
  const random = () => 0.5;
  const network =
    family === 'imagenet'
      ? resnet(options, { random })
      : cifarResnet({ ...options, shortcut: pad ? 'pad' : 'projection' }, { random });
  tf.tidy(() => {
    for (const { name, shape, variable } of network.parameters) variable.assign(tf.tensor(fill(name, shape), shape));
  });
  return network;
}

describeOnBackends('networks equal PyTorch’s', (backend) => {
  // The cpu backend takes seconds for each: one of each family there.
  const tested =
    backend === 'cpu' ? cases.filter(({ depth, variant, pad }) => pad || `${depth}${variant}` === '50d') : cases;
  test.each(tested)('$family $depth $variant, pad $pad: forward, gradients, statistics', async (golden) => {
    const { size, batch } = golden;
    const network = build(golden);
    const images = tf.tensor4d(noise(golden.images, batch * size * size * 3), [batch, size, size, 3]);
    const labels = tf.tensor1d(
      Array.from({ length: batch }, (_, i) => i % 5),
      'int32',
    );
    const trainable = network.parameters.filter(({ variable }) => variable.trainable);

    const inference = await expectNoLeak(() => network.apply(images), 1);
    expect(relativeError(await inference.data(), golden.inference)).toBeLessThan(1e-4);

    const statistics = new PendingStatistics();
    const run = () =>
      valueAndGradients(() => {
        const logits = tf.keep(network.apply(images, { training: true, statistics }));
        training = logits;
        return tf.mean<tf.Scalar>(crossEntropy({ logits, labels }));
      }, trainable);
    let training: tf.Tensor | undefined;
    const { value, gradients } = run();
    expect(relativeError(await (training as unknown as tf.Tensor).data(), golden.training)).toBeLessThan(1e-4);
    expect(relativeError(await value.data(), [golden.loss])).toBeLessThan(1e-4);
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(golden.gradients).sort());
    for (const [name, sketch] of Object.entries(golden.gradients)) {
      // A bias before a BatchNorm has no effect: its gradient is zero up to rounding, and has no relative error.
      if ((sketch[0] ?? 0) < 1e-12) continue;
      const error = sketchError(name, await (gradients[name] as tf.Tensor).data(), sketch);
      expect(error, `gradient of ${name}`).toBeLessThan(1e-4);
    }
    statistics.commit();
    for (const { name, role, variable } of network.parameters) {
      if (role !== 'runningMean' && role !== 'runningVariance') continue;
      const error = sketchError(name, await variable.data(), golden.statistics[name] as number[]);
      expect(error, name).toBeLessThan(1e-5);
    }
    tf.dispose([images, labels, inference, value, gradients, training ?? []]);
    network.dispose();
  });

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
