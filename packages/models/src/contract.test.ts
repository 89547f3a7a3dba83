import type { Network } from '@bag/network';
import { createRandom } from '@bag/random';
import { testContract } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import * as exports from './index.js';
import {
  createModel,
  inceptionV3,
  inceptionV3Architecture,
  mobileNet,
  mobileNetArchitecture,
  modelArchitecture,
  models,
  parseModelName,
  unusedOptions,
} from './index.js';

const random = () => createRandom({ seed: 1, purpose: 'weights' });

/** The logits; comparing all parameters would take long. */
function applied(network: Network, images: tf.Tensor4D) {
  const logits = network.apply(images);
  network.dispose();
  return logits;
}

testContract({
  exports,
  inputs: () => ({ images: tf.randomNormal<tf.Rank.R4>([2, 32, 32, 3], 0, 1, 'float32', 1) }),
  table: {
    parseModelName: { on: () => parseModelName('resnet50d') },
    unusedOptions: {
      on: () => unusedOptions({ name: 'mobilenet', deepStem: true }),
      off: () => [unusedOptions({ name: 'resnet50d', deepStem: true }), []],
    },
    models: { on: () => models() },
    modelArchitecture: {
      on: () => modelArchitecture({ name: 'resnet50s' }),
      off: () => [modelArchitecture({ name: 'mobilenet' }), mobileNetArchitecture()],
    },
    inceptionV3Architecture: { on: () => inceptionV3Architecture({ classes: 3 }) },
    mobileNetArchitecture: { on: () => mobileNetArchitecture({ classes: 3, width: 8 }) },
    createModel: {
      on: ({ images }) => applied(createModel({ name: 'resnet8d', classes: 3 }, { random: random() }), images),
    },
    mobileNet: { on: ({ images }) => applied(mobileNet({ classes: 3, width: 2 }, { random: random() }), images) },
    inceptionV3: {
      // Its 24 million weights take long to draw, and to compare.
      on: () => {
        const network = inceptionV3({ classes: 3 }, { random: () => 0.25 });
        const last = network.parameters.at(-1)?.variable.shape;
        const largest = tf.tidy(() => network.parameters.map(({ variable }) => tf.max(variable)));
        network.dispose();
        return { last, largest };
      },
    },
  },
});
