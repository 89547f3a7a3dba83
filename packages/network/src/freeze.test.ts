import { crossEntropy, PendingStatistics, valueAndGradients } from '@bag/ops';
import { describeOnBackends, noise, peakBytes, relativeError, sketchError } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Architecture } from './architecture.js';
import { conv, everyKind, filledNetwork } from './fixtures/every-kind.js';
import { freeze, matchesName } from './freeze.js';
import type { Network } from './network.js';

interface Golden {
  patterns: string[];
  /** Name of the noise that the images are. */
  images: string;
  logits: number[];
  loss: number;
  /** Of what is not frozen. */
  gradients: Record<string, number[]>;
  statistics: Record<string, number[]>;
}
const path = new URL('fixtures/frozen.json', import.meta.url);
const { batch, size, classes, cases } = JSON.parse(readFileSync(path, 'utf8')) as {
  batch: number;
  size: number;
  classes: number;
  cases: Golden[];
};

const labelsOf = (count: number) =>
  tf.tensor1d(
    Array.from({ length: count }, (_, i) => i % classes),
    'int32',
  );
const learning = (network: Network) => network.parameters.filter(({ variable }) => variable.trainable);

/** One training step's logits, loss and gradients; the statistics are committed. */
function step(network: Network, images: tf.Tensor4D, labels: tf.Tensor1D) {
  const statistics = new PendingStatistics();
  const seen: tf.Tensor[] = [];
  const { value, gradients } = valueAndGradients(() => {
    const logits = tf.keep(network.apply(images, { training: true, statistics }));
    seen.push(logits);
    return tf.mean<tf.Scalar>(crossEntropy({ logits, labels }));
  }, learning(network));
  statistics.commit();
  return { logits: seen[0] as tf.Tensor, value, gradients };
}

describeOnBackends('a step with frozen parts equals PyTorch’s', (backend) => {
  test.each(cases)('$patterns', async (golden) => {
    const network = filledNetwork(everyKind);
    const all = learning(network).map(({ name }) => name);
    const frozen = golden.patterns.length > 0 ? freeze(network.parameters, golden.patterns) : [];
    expect(frozen).toEqual(all.filter((name) => !(name in golden.gradients)));
    const before = new Map(
      await Promise.all(network.parameters.map(async (p) => [p.name, await p.variable.data()] as const)),
    );
    const images = tf.tensor4d(noise(golden.images, batch * size * size * 3), [batch, size, size, 3]);
    const { numTensors } = tf.memory();
    const labels = labelsOf(batch);
    const { logits, value, gradients } = step(network, images, labels);
    expect(relativeError(await logits.data(), golden.logits)).toBeLessThan(1e-5);
    expect(relativeError(await value.data(), [golden.loss])).toBeLessThan(1e-5);
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(golden.gradients).sort());
    for (const [name, sketch] of Object.entries(golden.gradients)) {
      const values = await (gradients[name] as tf.Tensor).data();
      // A bias before a BatchNorm of the batch's statistics has no effect: its gradient is zero up to rounding.
      if ((sketch[0] ?? 0) < 1e-12) expect(Math.max(...values.map(Math.abs)), name).toBeLessThan(1e-6);
      else expect(sketchError(name, values, sketch), `gradient of ${name}`).toBeLessThan(1e-4);
    }
    for (const { name, role, variable } of network.parameters) {
      if (frozen.includes(name)) expect(await variable.data(), name).toEqual(before.get(name));
      if (role !== 'runningMean' && role !== 'runningVariance') continue;
      const values = await variable.data();
      const gamma = name.replace(/running_\w+$/, 'weight');
      if (frozen.includes(gamma)) expect(values, name).toEqual(before.get(name));
      expect(sketchError(name, values, golden.statistics[name] as number[]), name).toBeLessThan(1e-5);
    }
    tf.dispose([labels, logits, value, gradients]);
    expect(tf.memory().numTensors, `left alive on ${backend}`).toBe(numTensors);
    images.dispose();
    network.dispose();
  });
});

/** Four stages of two convolutions, all of the same size: what each stage saves is the same. */
const stages: Architecture = {
  ...everyKind,
  nodes: [1, 2, 3, 4].flatMap((stage) => {
    const from = stage === 1 ? 'images' : `layer${stage - 1}.conv2`;
    const names = [`layer${stage}.conv1`, `layer${stage}.conv2`] as const;
    return [conv(names[0], from, [stage === 1 ? 3 : 8, 8], 3), conv(names[1], names[0], [8, 8], 3)];
  }),
  head: { name: 'fc', features: 8, dropout: 0 },
};

describeOnBackends(
  'memory',
  () => {
    test('nothing of a frozen beginning is kept for the backward pass', () => {
      const peakOf = (patterns: string[]) => {
        const network = filledNetwork(stages);
        if (patterns.length > 0) freeze(network.parameters, patterns);
        const [images, labels] = [tf.zeros<tf.Rank.R4>([4, 32, 32, 3]), labelsOf(4)];
        const run = () => step(network, images, labels);
        tf.dispose(run());
        const { peak, result } = peakBytes(run);
        tf.dispose([images, labels, result]);
        network.dispose();
        // In units of one convolution's value.
        return peak / (4 * 4 * 32 * 32 * 8);
      };
      // Eight convolutions and eight BatchNorms; with three stages frozen two of each, their input, and the gradients
      // on their way.
      expect(peakOf([])).toBeGreaterThan(16);
      expect(peakOf(['layer1.*', 'layer2.*', 'layer3.*'])).toBeLessThan(7.5);
      // Frozen from the second stage on, the first one's gradients need the others' values.
      expect(peakOf(['layer2.*', 'layer3.*'])).toBeGreaterThan(10);
    });
  },
  ['wasm', 'onednn'],
);

test.each([
  ['layer1.0.conv1.weight', 'layer1.*', true],
  ['layer1.0.conv1.weight', 'layer1*weight', true],
  ['layer1.0.conv1.weight', '*', true],
  ['layer1.0.conv1.weight', 'layer1.0.conv1.weight', true],
  ['layer1.0.conv1.weight', 'layer1', false],
  ['layer10.conv1.weight', 'layer1.*', false],
  ['layer1.0.conv1.weight', 'conv1*', false],
  // Only the asterisk is special.
  ['layer1x0', 'layer1.0', false],
  ['a+b', 'a+*', true],
])('%s matches %s: %s', (name, pattern, expected) => {
  expect(matchesName(name, pattern)).toBe(expected);
});

test('freezing names a pattern that matches nothing, and refuses to leave nothing; then nothing is frozen', async () => {
  await tf.setBackend('cpu');
  const network = filledNetwork(everyKind);
  const before = learning(network).length;
  expect(() => freeze(network.parameters, ['conv1*', 'layer9.*'])).toThrow(
    'freeze: layer9.* matches no parameter; their names are conv1.weight, bn1.weight, bn1.bias, …, fc.bias',
  );
  // Running statistics are not trained anyway.
  expect(() => freeze(network.parameters, ['*running_mean'])).toThrow('*running_mean matches no parameter');
  expect(() => freeze(network.parameters, ['*'])).toThrow('freeze: * leaves nothing to train; leave out the head');
  expect(learning(network)).toHaveLength(before);
  expect(freeze(network.parameters, [])).toEqual([]);
  // Twice is once.
  const names = ['conv1.weight', 'bn1.weight', 'bn1.bias'];
  for (const patterns of [
    ['conv1*', 'bn1*'],
    ['bn1.*', 'conv1.*'],
  ]) {
    expect(freeze(network.parameters, patterns)).toEqual(names);
    expect(learning(network)).toHaveLength(before - names.length);
  }
  network.dispose();
});
