import { PendingStatistics } from '@bag/ops';
import { createRandom } from '@bag/random';
import { testContract } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import * as exports from './index.js';
import {
  cifarArchitecture,
  cifarResnet,
  convUnits,
  countActivations,
  countMultiplyAdds,
  countParameters,
  createParameters,
  imageNetArchitecture,
  kaimingNormal,
  models,
  parameterShapes,
  parseModelName,
  ResNet,
  resnet,
  xavierUniform,
  zeroGamma,
} from './index.js';

const small = cifarArchitecture({ depth: 8, variant: 'd', width: 4, classes: 3 });
const random = () => createRandom({ seed: 1, purpose: 'weights' });
const zeroed = (network: ResNet) => network.parameters.map(({ variable }) => tf.max(variable));

/** Logits in inference mode and while training, with the statistics that the step would commit. */
function applied(network: ResNet, images: tf.Tensor4D) {
  const statistics = new PendingStatistics();
  const logits = [network.apply(images), network.apply(images, { training: true, statistics })];
  const pending = statistics.size;
  statistics.discard();
  const parameters = network.parameters.map(({ variable }) => variable);
  return { logits, pending, parameters };
}

testContract({
  exports,
  inputs: () => ({ images: tf.randomNormal<tf.Rank.R4>([2, 8, 8, 3], 0, 1, 'float32', 1) }),
  table: {
    cifarArchitecture: { on: () => cifarArchitecture({ depth: 20 }) },
    imageNetArchitecture: { on: () => imageNetArchitecture({ depth: 50, variant: 'd' }) },
    convUnits: { on: () => convUnits(small) },
    countParameters: { on: () => countParameters(small) },
    countActivations: { on: () => countActivations(small) },
    countMultiplyAdds: { on: () => countMultiplyAdds(small) },
    models: { on: () => models() },
    parseModelName: {
      on: () => parseModelName('resnet50d'),
      off: () => [parseModelName('resnet50'), { depth: 50, family: 'imagenet' }],
    },
    parameterShapes: { on: () => parameterShapes(small) },
    createParameters: { on: () => createParameters(small, xavierUniform, random()) },
    xavierUniform: { on: () => xavierUniform([3, 3, 4, 4], random()) },
    kaimingNormal: { on: () => kaimingNormal([3, 3, 4, 4], random()) },
    resnet: {
      on: ({ images }) => applied(resnet({ depth: 18, classes: 3, width: 4 }, { random: random() }), images),
    },
    cifarResnet: {
      on: ({ images }) =>
        applied(cifarResnet({ depth: 8, variant: 'd', width: 4, classes: 3 }, { random: random() }), images),
    },
    ResNet: {
      on: ({ images }) => applied(new ResNet(small, createParameters(small, kaimingNormal, random())), images),
    },
    zeroGamma: {
      on: () => {
        const network = cifarResnet({ depth: 8, width: 4 }, { random: random() });
        const counts = zeroGamma(network.architecture, network.parameters);
        const largest = zeroed(network);
        network.dispose();
        return { counts, largest };
      },
      // No blocks, no change.
      off: () => {
        const network = cifarResnet({ depth: 8, width: 4 }, { random: random() });
        const before = zeroed(network);
        zeroGamma({ blocks: [] }, network.parameters);
        const after = zeroed(network);
        network.dispose();
        return [after, before];
      },
    },
  },
});
