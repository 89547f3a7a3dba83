import { crossEntropy, PendingStatistics, valueAndGradients } from '@bag/ops';
import { describeOnBackends, expectNoLeak, noise, relativeError, sketchError } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { filledNetwork, narrowed } from './fixtures/networks.js';
import { modelArchitecture, type ModelOptions } from './models.js';

interface Golden {
  options: ModelOptions;
  /** The part of the channels that there are: one of so many. */
  narrow: number;
  size: number;
  /** Name of the noise that the images are. */
  images: string;
  /** The largest error of a gradient in PyTorch's own single precision. */
  single: number;
  training: number[];
  loss: number;
  gradients: Record<string, number[]>;
  statistics: Record<string, number[]>;
}
const path = new URL('fixtures/training.json', import.meta.url);
const { classes, batch, cases } = JSON.parse(readFileSync(path, 'utf8')) as {
  classes: number;
  batch: number;
  cases: Golden[];
};

describeOnBackends(
  'a training step equals PyTorch’s',
  () => {
    test.each(cases)('$options: logits, loss, gradients, statistics', async (golden) => {
      const { options, narrow, size } = golden;
      const network = filledNetwork(narrowed(modelArchitecture({ ...options, classes }), narrow));
      const images = tf.tensor4d(noise(golden.images, batch * size * size * 3), [batch, size, size, 3]);
      const labels = tf.tensor1d(
        Array.from({ length: batch }, (_, i) => i % classes),
        'int32',
      );
      const statistics = new PendingStatistics();
      let training: tf.Tensor | undefined;
      const { value, gradients } = valueAndGradients(
        () => {
          const logits = tf.keep(network.apply(images, { training: true, statistics }));
          training = logits;
          return tf.mean<tf.Scalar>(crossEntropy({ logits, labels }));
        },
        network.parameters.filter(({ variable }) => variable.trainable),
      );
      expect(relativeError(await (training as unknown as tf.Tensor).data(), golden.training)).toBeLessThan(1e-4);
      expect(relativeError(await value.data(), [golden.loss])).toBeLessThan(1e-4);
      expect(Object.keys(gradients).sort()).toEqual(Object.keys(golden.gradients).sort());
      for (const [name, sketch] of Object.entries(golden.gradients)) {
        const error = sketchError(name, await (gradients[name] as tf.Tensor).data(), sketch);
        expect(error, `gradient of ${name}`).toBeLessThan(3 * golden.single);
      }
      statistics.commit();
      for (const { name, variable } of network.parameters) {
        const sketch = golden.statistics[name];
        if (sketch === undefined) continue;
        expect(sketchError(name, await variable.data(), sketch), name).toBeLessThan(1e-4);
      }
      tf.dispose([images, labels, value, gradients, training ?? []]);
      await expectNoLeak(() => network.dispose(), -network.parameters.length);
    });
  },
  ['wasm', 'onednn'],
);
