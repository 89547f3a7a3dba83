import { PendingStatistics } from '@bag/ops';
import { createRandom } from '@bag/random';
import { testContract } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { everyKind, filledNetwork } from './fixtures/every-kind.js';
import * as exports from './index.js';
import type { Network } from './index.js';
import {
  convUnits,
  countActivations,
  countMultiplyAdds,
  countParameters,
  createNetwork,
  createParameters,
  freeze,
  frozenNames,
  kaimingNormal,
  matchesName,
  nodeSizes,
  parameterShapes,
  xavierUniform,
} from './index.js';
import { toLayersModel } from './layers.js';
import { toOnnx } from './onnx.js';

const random = () => createRandom({ seed: 1, purpose: 'weights' });
const variables = ({ parameters }: Network) => parameters.map(({ variable }) => variable);

/** Logits in inference mode and while training, and what is to be freed. */
function applied(network: Network, images: tf.Tensor4D) {
  const statistics = new PendingStatistics();
  const logits = [network.apply(images), network.apply(images, { training: true, statistics })];
  statistics.discard();
  return { logits, parameters: variables(network) };
}

testContract({
  exports: { ...exports, toLayersModel, toOnnx },
  inputs: () => ({ images: tf.randomNormal<tf.Rank.R4>([2, 13, 13, 3], 0, 1, 'float32', 1) }),
  table: {
    convUnits: { on: () => convUnits(everyKind), off: () => [convUnits({ nodes: [] }), []] },
    nodeSizes: {
      on: () => [...nodeSizes(everyKind, [13, 17])],
      off: () => [[...nodeSizes({ name: 'none', nodes: [] }, [3, 4])], [['images', [3, 4]]]],
    },
    countParameters: { on: () => countParameters(everyKind) },
    countActivations: {
      on: () => countActivations(everyKind),
      off: () => [countActivations({ ...everyKind, nodes: [] }), 0],
    },
    countMultiplyAdds: { on: () => countMultiplyAdds(everyKind) },
    parameterShapes: { on: () => parameterShapes(everyKind) },
    createParameters: { on: () => createParameters(everyKind, xavierUniform, random()) },
    createNetwork: { on: ({ images }) => applied(createNetwork(everyKind, { random: random() }), images) },
    Network: { on: ({ images }) => applied(filledNetwork(everyKind), images) },
    xavierUniform: { on: () => xavierUniform([3, 3, 4, 4], random()) },
    kaimingNormal: { on: () => kaimingNormal([3, 3, 4, 4], random()) },
    matchesName: {
      on: () => [matchesName('layer1.0.conv1.weight', 'layer1.*'), matchesName('fc.bias', 'layer1.*')],
      off: () => [matchesName('fc.bias', 'fc.bias'), true],
    },
    frozenNames: {
      on: () => frozenNames(parameterShapes(everyKind), ['layer*']),
      off: () => [frozenNames(parameterShapes(everyKind), []), []],
    },
    freeze: {
      on: ({ images }) => {
        const network = filledNetwork(everyKind);
        const names = freeze(network.parameters, ['layer*']);
        return { names, ...applied(network, images) };
      },
      // No patterns, no change.
      off: ({ images }) => {
        const [network, other] = [filledNetwork(everyKind), filledNetwork(everyKind)];
        freeze(network.parameters, []);
        return [applied(network, images), applied(other, images)];
      },
    },
    toLayersModel: {
      on: ({ images }) => {
        const network = filledNetwork(everyKind);
        const model = toLayersModel(network);
        const logits = model.predict(images) as tf.Tensor;
        model.dispose();
        return { logits, parameters: variables(network) };
      },
    },
    toOnnx: {
      on: async () => {
        const network = filledNetwork(everyKind);
        const folded = await toOnnx(network, { foldBatchNorm: true });
        return { file: await toOnnx(network), foldedBytes: folded.length, parameters: variables(network) };
      },
    },
  },
});
