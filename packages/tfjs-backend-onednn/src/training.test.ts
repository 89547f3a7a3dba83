import { expectAllClose } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, test } from 'vitest';
import { inception, losses, mean, resnet8d, separable, trainer } from './fixtures/training.js';
import { memory, type OnednnBackend } from './index.js';

describe.each([
  ['a ResNet-8-D', resnet8d, ['BagConv2D', 'BagBatchNormTrainingGrad', 'BagAveragePool']],
  ['depthwise separable convolutions', separable, ['BagDepthwiseConv2DBackpropFilter', 'Relu6']],
  ['Inception branches', inception, ['Concat', 'MaxPoolGrad', 'BagAveragePoolGrad']],
])('a training step of %s', (_, create, kernels) => {
  beforeEach(() => tf.setBackend('onednn'));

  test('runs natively, all of it', async () => {
    const { forwarded } = tf.backend() as unknown as OnednnBackend;
    const model = create();
    const { step, dispose } = trainer(model);
    forwarded.clear();
    const profile = await tf.profile(async () => ({ loss: tf.scalar(await step()) }));
    expect(profile.kernelNames).toEqual(expect.arrayContaining([...kernels, 'BagCrossEntropy', 'BagSgdUpdate']));
    expect([...forwarded]).toEqual([]);
    tf.dispose(profile.result);
    dispose();
    model.dispose();
  });

  test('leaves nothing behind', async () => {
    const model = create();
    const { step, dispose } = trainer(model);
    await step();
    const tensors = tf.memory().numTensors;
    const { bytesInUse, blocksInUse } = memory();
    for (let i = 0; i < 5; i++) {
      await step();
      expect(tf.memory().numTensors).toBe(tensors);
      expect(memory()).toMatchObject({ bytesInUse, blocksInUse });
    }
    dispose();
    model.dispose();
  });
});

// training.long.test.ts goes on until something is learnt.
test('training begins as on tfjs-backend-cpu', async () => {
  const native = await losses('onednn', 30);
  const reference = await losses('cpu', 30);
  expectAllClose(native.slice(0, 10), reference.slice(0, 10), { relative: 1e-4 });
  expectAllClose([mean(native.slice(10))], [mean(reference.slice(10))], { relative: 0.01 });
});
