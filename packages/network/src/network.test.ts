import { PendingStatistics } from '@bag/ops';
import { createRandom } from '@bag/random';
import { describeOnBackends, expectAllClose, expectNoLeak, noise } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import type { Architecture } from './architecture.js';
import { createNetwork } from './create.js';
import { conv, everyKind, filledNetwork } from './fixtures/every-kind.js';
import { Network } from './network.js';

/** The dense layer hands its features on as they are, so that the logits show what dropout did to them. */
const bare: Architecture = {
  ...everyKind,
  classes: 8,
  nodes: [conv('conv1', 'images', [3, 8], 3)],
  head: { name: 'fc', features: 8, dropout: 0.25 },
};

function bareNetwork(): Network {
  const network = filledNetwork(bare);
  const dense = network.parameters.find(({ name }) => name === 'fc.weight');
  const bias = network.parameters.find(({ name }) => name === 'fc.bias');
  tf.tidy(() => {
    dense?.variable.assign(tf.eye(8));
    bias?.variable.assign(tf.zeros([8]));
  });
  return network;
}

const streamOf = (seed: number) => createRandom({ seed, purpose: 'dropout' });

async function valuesOf(logits: tf.Tensor): Promise<Float32Array> {
  const values = await logits.data();
  logits.dispose();
  return values as Float32Array;
}

describeOnBackends('dropout', () => {
  const imagesOf = () => tf.tensor4d(noise('images', 16 * 4 * 4 * 3), [16, 4, 4, 3]);
  const trained = async (network: Network, images: tf.Tensor4D, random: () => number) => {
    const statistics = new PendingStatistics();
    const values = await valuesOf(network.apply(images, { training: true, statistics, random }));
    statistics.discard();
    return values;
  };

  test('drops a quarter of the features, and scales the rest by 4/3', async () => {
    const images = imagesOf();
    const [network, without] = [bareNetwork(), filledNetwork({ ...bare, head: { ...bare.head, dropout: 0 } })];
    for (const [i, { variable }] of network.parameters.entries()) without.parameters[i]?.variable.assign(variable);
    const features = await trained(without, images, streamOf(0));
    const sum = new Float64Array(features.length);
    let kept = 0;
    const rounds = 100;
    for (let seed = 0; seed < rounds; seed++) {
      for (const [i, value] of (await trained(network, images, streamOf(seed))).entries()) {
        if (value !== 0) expect(value / ((features[i] as number) * (4 / 3))).toBeCloseTo(1, 5);
        kept += Number(value !== 0);
        sum[i] = (sum[i] as number) + value / rounds;
      }
    }
    // 12,800 draws: five standard deviations are 0.019. Of 100, a mean's are √(1/3)/10 each.
    expect(Math.abs(kept / (rounds * features.length) - 0.75)).toBeLessThan(0.019);
    for (const [i, value] of features.entries()) {
      expect(Math.abs((sum[i] as number) / value - 1)).toBeLessThan(5 * Math.sqrt(1 / 3 / rounds));
    }
    images.dispose();
    network.dispose();
    without.dispose();
  });

  test('the same stream drops the same, another one others; inference drops nothing', async () => {
    const [images, network] = [imagesOf(), bareNetwork()];
    const first = await trained(network, images, streamOf(1));
    expect(await trained(network, images, streamOf(1))).toEqual(first);
    expect(await trained(network, images, streamOf(2))).not.toEqual(first);
    // A generator at its smallest is one too.
    expect(await trained(network, images, () => 0)).toEqual(await trained(network, images, () => 0));
    const features = await valuesOf(network.apply(images));
    expect(features.every((value) => value !== 0)).toBe(true);
    expect(await valuesOf(network.apply(images, { random: streamOf(1) }))).toEqual(features);
    images.dispose();
    network.dispose();
  });
});

describeOnBackends('apply', () => {
  test('leaves nothing but the logits; training, the statistics of every BatchNorm until they are discarded', async () => {
    const network = filledNetwork(everyKind);
    const images = tf.tensor4d(noise('images', 2 * 13 * 13 * 3), [2, 13, 13, 3]);
    const logits = await expectNoLeak(() => network.apply(images), 1);
    expect(logits.shape).toEqual([2, 3]);
    const statistics = new PendingStatistics();
    const training = network.apply(images, { training: true, statistics });
    expect(statistics.size).toBe(10);
    statistics.discard();
    tf.dispose([logits, training, images]);
    await expectNoLeak(() => network.dispose(), -network.parameters.length);
  });

  test('images of another size give logits too, each by itself as in a batch', async () => {
    const network = filledNetwork(everyKind);
    const images = tf.tensor4d(noise('images', 3 * 9 * 20 * 3), [3, 9, 20, 3]);
    const together = await valuesOf(network.apply(images));
    const second = tf.slice(images, [1, 0, 0, 0], [1, -1, -1, -1]);
    expectAllClose(await valuesOf(network.apply(second)), together.subarray(3, 6), { absolute: 1e-5, relative: 1e-5 });
    tf.dispose([images, second]);
    network.dispose();
  });
});

test('errors name the culprit', async () => {
  await tf.setBackend('cpu');
  const network = bareNetwork();
  const images = tf.zeros<tf.Rank.R4>([1, 8, 8, 3]);
  const statistics = new PendingStatistics();
  const grey = tf.zeros<tf.Rank.R4>([1, 8, 8, 1]);
  expect(() => network.apply(grey)).toThrow(
    'every-kind: expected images of shape [batch, height, width, 3], got [1, 8, 8, 1]',
  );
  expect(() => network.apply(images, { training: true })).toThrow('every-kind: training needs `statistics');
  expect(() => network.apply(images, { training: true, statistics })).toThrow('every-kind: training needs `random`');
  const part = new Network(bare, network.parameters.slice(1));
  await expectNoLeak(() => {
    expect(() => part.apply(images)).toThrow('every-kind: parameter conv1.weight is missing');
  });
  expect(() => createNetwork(bare, { random: () => 0.5, initializer: 'zero' as never })).toThrow(
    'every-kind: expected initializer xavier, kaiming or a function, got "zero"',
  );
  tf.dispose([images, grey]);
  network.dispose();
});

test('fresh parameters: γ and running variances are 1, other vectors 0, weights the initialiser’s', async () => {
  await tf.setBackend('cpu');
  const network = createNetwork(everyKind, {
    random: () => 0.5,
    initializer: (shape, random) => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(random()),
    prepare: (parameters) => [`${parameters.length} parameters`],
  });
  expect(network.notes).toEqual(['53 parameters']);
  expect(network.parameterCount).toBe(
    network.parameters.reduce((sum, { variable }) => sum + (variable.trainable ? variable.size : 0), 0),
  );
  const start = { weight: 0.5, bias: 0, gamma: 1, beta: 0, runningMean: 0, runningVariance: 1 };
  for (const { name, role, variable } of network.parameters) {
    expect(new Set(await variable.data()), name).toEqual(new Set([start[role]]));
    expect(variable.trainable, name).toBe(!role.startsWith('running'));
  }
  network.dispose();
});
