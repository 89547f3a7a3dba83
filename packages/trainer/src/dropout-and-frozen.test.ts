import { freeze } from '@bag/network';
import { sgd, type SgdState } from '@bag/optim';
import { createRandom, type Random } from '@bag/random';
import { describeOnBackends } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { branchedNetwork } from './fixtures/branches.js';
import { storeParameters } from './parameters.js';
import { backward } from './step.js';
import { train } from './train.js';
import { type Batch, type Network, trainable } from './types.js';

function batchOf(index: number): Batch {
  const random = createRandom({ seed: 5, purpose: 'images', index });
  const images = Float32Array.from({ length: 2 * 8 * 8 * 3 }, () => random() - 0.5);
  return { images, labels: Int32Array.of(0, 1), shape: [2, 8, 8, 3] };
}

/** Two epochs of two steps of two microbatches, or the second epoch only. */
async function trained(network: Network, seed: number, from?: { epoch: number; optimizer: SgdState }, epochs = 2) {
  const optimizer = sgd({ parameters: trainable(network), rate: 0.1, momentum: 0.9, weightDecay: 1e-2 });
  const { state } = await train({
    network,
    batches: (epoch) => [0, 1, 2, 3].map((i) => batchOf(4 * epoch + i)),
    stepsPerEpoch: 2,
    accumulate: 2,
    epochs,
    optimizer,
    state: from ?? { epoch: 0, optimizer: optimizer.init() },
    seed,
  });
  return { state, parameters: await storeParameters(network) };
}

describeOnBackends(
  'a network of Inception’s kind',
  () => {
    test('trains reproducibly with dropout, also in two parts; another seed drops other features', async () => {
      const { parameters: expected } = await trained(branchedNetwork(), 1);
      expect((await trained(branchedNetwork(), 1)).parameters).toEqual(expected);
      const network = branchedNetwork();
      const { state } = await trained(network, 1, undefined, 1);
      expect((await trained(network, 1, state)).parameters).toEqual(expected);
      expect((await trained(branchedNetwork(), 2)).parameters['fc.weight']).not.toEqual(expected['fc.weight']);
    });

    test('what is frozen stays as it is, bit for bit, running statistics too; all else learns', async () => {
      const network = branchedNetwork();
      const before = await storeParameters(network);
      const frozen = freeze(network.parameters, ['stem.*', 'mixed.branch3x3.*']);
      expect(frozen).toHaveLength(6);
      expect(trainable(network).filter(({ name }) => frozen.includes(name))).toEqual([]);
      const { state, parameters } = await trained(network, 1);
      expect(Object.keys(state.optimizer.velocities)).toEqual(trainable(network).map(({ name }) => name));
      for (const [name, { values }] of Object.entries(parameters)) {
        if (/^(stem|mixed\.branch3x3)\./.test(name)) expect(values, name).toEqual(before[name]?.values);
        else expect(values, name).not.toEqual(before[name]?.values);
      }
    });
  },
  ['wasm', 'onednn'],
);

test('mixing and dropout draw from streams of their own, others for each microbatch', async () => {
  await tf.setBackend('cpu');
  const network = branchedNetwork();
  const asked: [string, number][] = [];
  const applied: unknown[] = [];
  const streams: Random[] = [];
  const watched: Network = {
    parameters: network.parameters,
    apply: (images, options) => {
      applied.push(options?.random);
      return network.apply(images, options);
    },
    dispose: () => network.dispose(),
  };
  const { gradients, statistics } = await backward({
    network: watched,
    tricks: {},
    microbatches: [batchOf(0), batchOf(1)],
    lossScale: 1,
    epoch: 0,
    random: (purpose, i) => {
      const random = createRandom({ seed: 1, purpose: `${purpose}-${i}` });
      asked.push([purpose, i]);
      if (purpose === 'dropout') streams.push(random);
      return random;
    },
  });
  expect(asked).toEqual([
    ['mixing', 0],
    ['dropout', 0],
    ['mixing', 1],
    ['dropout', 1],
  ]);
  expect(applied).toEqual(streams);
  tf.dispose(gradients);
  statistics.discard();
  network.dispose();
});
