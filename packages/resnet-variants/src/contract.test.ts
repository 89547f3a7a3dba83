import type { Network } from '@bag/network';
import { PendingStatistics } from '@bag/ops';
import { createRandom } from '@bag/random';
import { testContract } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import * as exports from './index.js';
import {
  blockEnds,
  cifarArchitecture,
  cifarResnet,
  imageNetArchitecture,
  resnet,
  variantNotes,
  zeroGamma,
} from './index.js';

const random = () => createRandom({ seed: 1, purpose: 'weights' });
const zeroed = (network: Network) => network.parameters.map(({ variable }) => tf.max(variable));

/** Logits in inference mode and while training, with the statistics that the step would commit. */
function applied(network: Network, images: tf.Tensor4D) {
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
    blockEnds: {
      on: () => blockEnds(cifarArchitecture({ depth: 8 })),
      off: () => [blockEnds({ nodes: [] }), []],
    },
    resnet: {
      on: ({ images }) => applied(resnet({ depth: 18, classes: 3, width: 4 }, { random: random() }), images),
    },
    cifarResnet: {
      on: ({ images }) =>
        applied(cifarResnet({ depth: 8, variant: 'd', width: 4, classes: 3 }, { random: random() }), images),
    },
    variantNotes: {
      on: () => variantNotes(imageNetArchitecture({ depth: 50, variant: 'd' })),
      // B has neither.
      off: () => [variantNotes(imageNetArchitecture({ depth: 50, variant: 'b' })), []],
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
        zeroGamma({ nodes: [] }, network.parameters);
        const after = zeroed(network);
        network.dispose();
        return [after, before];
      },
    },
  },
});
