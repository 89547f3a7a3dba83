import { describeOnBackends } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { batchNormInference } from './batch-norm.js';
import { valueAndGradients } from './gradients.js';
import { untaped } from './untaped.js';

describeOnBackends('untaped', () => {
  test('by hand: d/dw Σ w·stop(w·x)² is Σ (w·x)², and nothing of the inside is kept for it', async () => {
    const atFirst = tf.memory().numTensors;
    const x = tf.tensor1d([1, 2, 3]);
    const w = tf.tidy(() => tf.variable(tf.scalar(2)));
    const parameters = [{ name: 'w', variable: w }];
    const inside = () => tf.square(tf.mul(w, x));
    let alive = 0;
    const loss = () => {
      const before = tf.memory().numTensors;
      const features = untaped([x], inside);
      alive = tf.memory().numTensors - before;
      return tf.sum<tf.Scalar>(tf.mul(w, features));
    };
    const { value, gradients } = valueAndGradients(loss, parameters);
    expect(alive).toBe(1);
    // Σ (2x)² = 4 + 16 + 36
    expect((await value.data())[0]).toBeCloseTo(112);
    expect((await (gradients['w'] as tf.Tensor).data())[0]).toBeCloseTo(56);
    tf.dispose([value, gradients, x, w]);
    expect(tf.memory().numTensors).toBe(atFirst);
  });

  test('BatchNorm of inference within it is the one outside', async () => {
    const x = tf.randomNormal<tf.Rank.R4>([2, 3, 3, 4], 0, 1, 'float32', 1);
    const vectors = () => tf.randomUniform<tf.Rank.R1>([4], 0.5, 1.5, 'float32', 2);
    const [gamma, beta, mean, variance] = [vectors(), vectors(), vectors(), vectors()];
    const norm = () => batchNormInference({ x, gamma, beta, mean, variance, relu: true });
    const outside = await norm().data();
    const w = tf.tidy(() => tf.variable(tf.scalar(1)));
    let inside: tf.Tensor | undefined;
    const { value, gradients } = valueAndGradients(() => {
      const y = untaped([x], norm);
      inside = tf.keep(tf.clone(y));
      return tf.mul(w, tf.mean<tf.Scalar>(y));
    }, [{ name: 'w', variable: w }]);
    expect([...(await (inside as tf.Tensor).data())]).toEqual([...outside]);
    tf.dispose([value, gradients]);
  });
});
