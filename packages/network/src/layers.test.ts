import { relativeError } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import type { Variant } from './architecture.js';
import { fill, noise } from './fixtures/noise.js';
import { toLayersModel } from './layers.js';
import type { ResNet } from './network.js';
import { cifarResnet, resnet } from './resnet.js';

const random = () => 0.5;
const fillIn = (network: ResNet): ResNet => {
  tf.tidy(() => {
    for (const { name, shape, variable } of network.parameters) variable.assign(tf.tensor(fill(name, shape), shape));
  });
  return network;
};

const networks: [string, () => ResNet][] = [
  ...(['a', 'b', 'c', 'd'] as Variant[]).map((variant): [string, () => ResNet] => [
    `ResNet-50 ${variant}`,
    () => resnet({ depth: 50, variant, width: 8, classes: 5 }, { random }),
  ]),
  ['ResNet-14 d for CIFAR', () => cifarResnet({ depth: 14, variant: 'd', width: 8, classes: 5 }, { random })],
];

test.each(networks)('%s: the LayersModel gives the same logits, also after saving and loading', async (_, make) => {
  await tf.setBackend('cpu');
  const network = fillIn(make());
  const model = toLayersModel(network);
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    }),
  );
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved as tf.io.ModelArtifacts));
  // An odd size, at which padding and pooling have to round as they should.
  const images = tf.tensor4d(noise('images', 2 * 67 * 67 * 3), [2, 67, 67, 3]);
  const expected = await network.apply(images).data();
  for (const one of [model, loaded]) {
    expect(relativeError(await (one.predict(images) as tf.Tensor).data(), expected)).toBeLessThan(1e-4);
  }
});

test('the parameter-free shortcut is refused', () => {
  const network = cifarResnet({ depth: 8, width: 4, shortcut: 'pad' }, { random });
  expect(() => toLayersModel(network)).toThrow(
    "toLayersModel: no stock layer pads channels; use shortcut 'projection'",
  );
});
