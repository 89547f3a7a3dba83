import { toLayersModel } from '@bag/network/layers';
import { expectNoLeak, noise, relativeError } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { convertible } from './fixtures/convertible.js';
import { filledNetwork } from './fixtures/networks.js';
import { mobileNetArchitecture } from './mobilenet.js';

beforeAll(() => tf.setBackend('cpu'));

/** The model as it is after saving and loading. */
async function reloaded(model: tf.LayersModel): Promise<tf.LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    }),
  );
  return tf.loadLayersModel(tf.io.fromMemory(saved as tf.io.ModelArtifacts));
}

describe.each(convertible)('$title as a LayersModel gives the same logits', ({ architecture, size }) => {
  test.each([false, true])('BatchNorm folded: %s; also after saving and loading', async (foldBatchNorm) => {
    const network = filledNetwork(architecture);
    const model = toLayersModel(network, { foldBatchNorm });
    expect(model.layers.filter((layer) => layer.getClassName() === 'BatchNormalization').length > 0).toBe(
      !foldBatchNorm,
    );
    const loaded = await reloaded(model);
    const images = tf.tensor4d(noise('images', 2 * size * size * 3), [2, size, size, 3]);
    const expected = await network.apply(images).data();
    for (const one of [model, loaded]) {
      expect(relativeError(await (one.predict(images) as tf.Tensor).data(), expected)).toBeLessThan(1e-4);
    }
    tf.disposeVariables();
  });
});

test('dropout is a layer of it, and a fixed size its input’s shape', () => {
  const architecture = mobileNetArchitecture({ classes: 5, width: 1 });
  const network = filledNetwork({ ...architecture, head: { ...architecture.head, dropout: 0.3 } });
  const model = toLayersModel(network, { inputSize: 64 });
  expect(model.inputs[0]?.shape).toEqual([null, 64, 64, 3]);
  expect(model.getLayer('dropout').getConfig()).toMatchObject({ rate: 0.3 });
});

test('the model owns copies: nothing else is left alive, and the network’s weights stay as they are', async () => {
  const network = filledNetwork(mobileNetArchitecture({ classes: 5, width: 1 }));
  const model = await expectNoLeak(() => {
    const made = toLayersModel(network);
    made.dispose();
    return made;
  });
  expect(model.layers.length).toBeGreaterThan(0);
  for (const { variable } of network.parameters) expect(variable.isDisposed).toBe(false);
});
