import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { goldens, wave } from './fixtures/goldens.js';
import { sgdUpdate } from './sgd-update.js';

describeOnBackends('sgdUpdate', () => {
  for (const golden of goldens.sgd) {
    const { momentum, nesterov, weightDecay } = golden;
    test(`equals torch.optim.SGD: μ ${momentum}, Nesterov ${nesterov}, λ ${weightDecay}`, async () => {
      await expectNoLeak(async () => {
        let parameter: tf.Tensor = tf.tensor1d(wave(7, 0.9));
        let velocity: tf.Tensor = tf.zeros([7]);
        for (const [i, expected] of golden.steps.entries()) {
          // Scaled by 8 and back, as under loss scaling.
          const gradient = tf.tensor1d(wave(7, 0.3 + i).map((v) => 8 * v));
          const options = { rate: 0.1, momentum, nesterov, weightDecay, gradientScale: 1 / 8 };
          const next = sgdUpdate({ parameter, gradient, velocity, ...options });
          tf.dispose([parameter, gradient, velocity]);
          ({ parameter, velocity } = next);
          expectAllClose(await parameter.data(), expected, { absolute: 1e-6 });
        }
        tf.dispose([parameter, velocity]);
      });
    });
  }

  test('names what does not fit', () => {
    const [parameter, gradient] = [tf.zeros([3]), tf.zeros([2])];
    expect(() => sgdUpdate({ parameter, gradient, velocity: parameter, rate: 1 })).toThrow(
      "a gradient of the parameter's shape [3], got [2]",
    );
    tf.dispose([parameter, gradient]);
  });
});
