import { crossEntropy } from '@bag/ops';
import { sgd } from '@bag/optim';
import { createRandom } from '@bag/random';
import { cifarResnet } from '@bag/resnet-variants';
import { testContract } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import * as exports from './index.js';
import {
  cutmixAdapter,
  evaluate,
  hardLoss,
  loadParameters,
  Metrics,
  mixupAdapter,
  NonFiniteLossError,
  storeParameters,
  train,
  trainable,
} from './index.js';

const random = () => createRandom({ seed: 1, purpose: 'contract' });
const network = () => cifarResnet({ depth: 8, width: 4, classes: 3 }, { random: random() });
const variables = ({ parameters }: exports.Network) => parameters.map(({ variable }) => variable);
const batch: exports.Batch = {
  images: Float32Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => Math.sin(i)),
  labels: Int32Array.of(0, 2),
  shape: [2, 8, 8, 3],
};

/** One step at a rate; gives the network's parameters before and after. */
async function trained(rate: number) {
  const net = network();
  const before = trainable(net).map(({ variable }) => tf.tidy(() => tf.mul(variable, 1)));
  const optimizer = sgd({ parameters: trainable(net), rate });
  const state = { epoch: 0, optimizer: optimizer.init() };
  const result = await train({
    network: net,
    batches: () => [batch],
    stepsPerEpoch: 1,
    epochs: 1,
    optimizer,
    state,
    seed: 1,
  });
  tf.dispose(result.state.optimizer.velocities);
  const [weights, statistics] = [trainable(net), net.parameters.filter((one) => !trainable(net).includes(one))].map(
    (list) => list.map(({ variable }) => variable),
  );
  return { before, weights: weights as tf.Tensor[], statistics: statistics as tf.Tensor[] };
}

testContract({
  exports,
  inputs: () => ({
    images: tf.randomNormal<tf.Rank.R4>([4, 4, 4, 3], 0, 1, 'float32', 1),
    labels: tf.tensor1d([0, 2, 1, 2], 'int32'),
    logits: tf.randomNormal<tf.Rank.R2>([4, 3], 0, 1, 'float32', 2),
  }),
  table: {
    mixupAdapter: {
      on: ({ images, labels }) =>
        mixupAdapter({ alpha: 0.2, epochs: 3 })({ images, labels }, { epoch: 0, random: random() }),
      // The last epochs are unmixed.
      off: ({ images, labels }) => {
        const mixing = mixupAdapter({ alpha: 0.2, epochs: 3, offEpochs: 1 });
        const mixed = mixing({ images, labels }, { epoch: 2, random: random() });
        return [
          [mixed.images, mixed.targets.labels],
          [images, labels],
        ];
      },
    },
    cutmixAdapter: {
      on: ({ images, labels }) => cutmixAdapter({ alpha: 1 })({ images, labels }, { epoch: 0, random: random() }),
    },
    hardLoss: {
      on: ({ logits, labels }) => {
        const partnerLabels = tf.reverse(labels);
        const targets = { labels, partnerLabels, lambda: 0.3 };
        const loss = hardLoss(logits, targets, { smoothing: 0.1, spread: 'all' });
        partnerLabels.dispose();
        return loss;
      },
      off: ({ logits, labels }) => [
        hardLoss(logits, { labels }, { smoothing: 0, spread: 'all' }),
        tf.tidy(() => tf.mean(crossEntropy({ logits, labels }))),
      ],
    },
    Metrics: {
      on: () => {
        const metrics = new Metrics();
        metrics.add({ loss: 1.5 }, [1, 2, 3, 4, 5, 6], { labels: [1, 2] });
        return metrics.result();
      },
      off: () => [new Metrics().result(), { loss: 0, top1: 0, top5: 0 }],
    },
    NonFiniteLossError: { on: () => new NonFiniteLossError(3, NaN, 0.1, 1).message },
    evaluate: {
      on: async () => {
        const net = network();
        const scores = await evaluate(net, [batch]);
        net.dispose();
        return scores;
      },
    },
    trainable: {
      on: () => {
        const net = network();
        return { names: trainable(net).map(({ name }) => name), parameters: variables(net) };
      },
    },
    storeParameters: {
      on: async () => {
        const net = network();
        return { stored: await storeParameters(net), parameters: variables(net) };
      },
    },
    loadParameters: {
      on: async () => {
        const net = network();
        loadParameters(net, await storeParameters(net));
        return variables(net);
      },
      off: async () => {
        const [net, other] = [network(), network()];
        loadParameters(net, await storeParameters(other));
        return [variables(net), variables(other)];
      },
    },
    train: {
      on: () => trained(0.1),
      off: async () => {
        const { before, weights, statistics } = await trained(0);
        tf.dispose(statistics);
        return [weights, before];
      },
    },
  },
});
