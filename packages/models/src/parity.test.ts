import { countParameters } from '@bag/network';
import { describeOnBackends, noise, relativeError } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { filledNetwork } from './fixtures/networks.js';
import { modelArchitecture, type ModelOptions } from './models.js';

interface Golden {
  options: ModelOptions;
  size: number;
  parameters: number;
  logits: number[];
}
const path = new URL('fixtures/logits.json', import.meta.url);
const { classes, cases } = JSON.parse(readFileSync(path, 'utf8')) as { classes: number; cases: Golden[] };

describeOnBackends(
  'whole networks equal PyTorch’s',
  (backend) => {
    // Deeper ones have the parts of ResNet-50; the wasm backend takes long for them, so there each depth is D only.
    const tested = backend === 'wasm' ? cases.filter(({ options }) => !/(34|101|152)[abc]$/.test(options.name)) : cases;
    test.each(tested)('$options at $size', async ({ options, size, parameters, logits }) => {
      const network = filledNetwork(modelArchitecture({ ...options, classes }));
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
