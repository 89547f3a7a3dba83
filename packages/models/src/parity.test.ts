import { countParameters, Network, parameterShapes } from '@bag/network';
import { describeOnBackends, fill, noise, relativeError } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { modelArchitecture, type ModelOptions } from './models.js';

interface Golden {
  options: ModelOptions;
  size: number;
  parameters: number;
  logits: number[];
}
const path = new URL('fixtures/logits.json', import.meta.url);
const { classes, cases } = JSON.parse(readFileSync(path, 'utf8')) as { classes: number; cases: Golden[] };

/** The golden's network with the golden's weights. */
function build(options: ModelOptions): Network {
  const architecture = modelArchitecture({ ...options, classes });
  const parameters = parameterShapes(architecture).map(({ name, role, shape }) => {
    const values = fill(name, shape);
    return { name, role, shape, variable: tf.tidy(() => tf.variable(tf.tensor(values, shape))) };
  });
  return new Network(architecture, parameters);
}

describeOnBackends(
  'whole networks equal PyTorch’s',
  () => {
    test.each(cases)('$options at $size', async ({ options, size, parameters, logits }) => {
      const network = build(options);
      expect(countParameters(network.architecture)).toBe(parameters);
      const images = tf.tensor4d(noise('images', size * size * 3), [1, size, size, 3]);
      const ours = network.apply(images);
      expect(relativeError(await ours.data(), logits)).toBeLessThan(1e-4);
      tf.dispose([images, ours]);
      network.dispose();
    });
  },
  // Not on cpu, where ResNet-152 takes seconds; small networks are tested there.
  ['wasm', 'onednn'],
);
