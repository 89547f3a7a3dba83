import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { crossEntropy } from './cross-entropy.js';
import { goldens, wave } from './fixtures/goldens.js';

describeOnBackends('crossEntropy', () => {
  for (const golden of goldens.crossEntropy) {
    const { smoothing, soft, scale } = golden;
    test(`equals torch's: ε ${smoothing}, soft ${soft}, logits to ±${scale}`, async () => {
      await expectNoLeak(async () => {
        const logits = tf.tensor2d(
          wave(24, 0.9).map((v) => v * scale),
          [4, 6],
        );
        const labels = soft ? tf.tensor2d(golden.target, [4, 6]) : tf.tensor1d(golden.target, 'int32');
        const dy = tf.tensor1d([1, -0.5, 2, 0.25]);
        const f = (z: tf.Tensor) => crossEntropy({ logits: z as tf.Tensor2D, labels, smoothing });
        const loss = f(logits);
        const dz = tf.grad(f)(logits, dy);
        expectAllClose(await loss.data(), golden.loss, { absolute: 2e-6, relative: 2e-6 });
        expectAllClose(await dz.data(), golden.dz, { absolute: 2e-6, relative: 2e-6 });
        tf.dispose([logits, labels, dy, loss, dz]);
      });
    });
  }

  test("the paper's form: K = 2, ε = 0.2, z = (ln 3, 0) → 0.8·ln(4/3) + 0.2·ln 4", async () => {
    const logits = tf.tensor2d([[Math.log(3), 0]]);
    const labels = tf.tensor1d([0], 'int32');
    const loss = crossEntropy({ logits, labels, smoothing: 0.2, spread: 'others' });
    expectAllClose(await loss.data(), [0.8 * Math.log(4 / 3) + 0.2 * Math.log(4)], { absolute: 1e-6 });
    tf.dispose([logits, labels, loss]);
  });

  test('integer labels never become a one-hot', async () => {
    const classes = 1000;
    const variable = tf.variable(tf.zeros([classes]));
    const logits = tf.randomNormal<tf.Rank.R2>([8, classes], 0, 1, 'float32', 1);
    const labels = tf.tensor1d([1, 2, 3, 4, 5, 6, 7, 8], 'int32');
    const profile = await tf.profile(() => {
      const loss = () => tf.mean<tf.Scalar>(crossEntropy({ logits: tf.add(logits, variable), labels, smoothing: 0.1 }));
      const { value, grads } = tf.variableGrads(loss);
      return [value, ...Object.values(grads)];
    });
    expect(profile.kernels.map(({ name }) => name)).not.toContain('OneHot');
    tf.dispose([logits, labels, variable, profile.result]);
  });
  test('says what it expects', () => {
    const logits = tf.zeros<tf.Rank.R2>([2, 3]);
    const labels = tf.tensor1d([1, 2, 0], 'int32');
    expect(() => crossEntropy({ logits, labels })).toThrow(
      'labels of shape [2] int32 or [2, 3] float32, got [3] int32',
    );
    expect(() => crossEntropy({ logits, labels, smoothing: 1 })).toThrow();
    tf.dispose([logits, labels]);
  });
});

describeOnBackends('cross-entropy at the edge', () => {
  test('a label that is no class makes its loss and its gradient NaN, and no other', async () => {
    const logits = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const labels = tf.tensor1d([2, 0, -1], 'int32');
    const loss = crossEntropy({ logits, labels });
    const gradient = tf.grad((z) => tf.sum(crossEntropy({ logits: z as tf.Tensor2D, labels })))(logits);
    // log(1 + e) for logits 3 and 4 and the first class.
    expectAllClose(await loss.data(), [NaN, Math.log(1 + Math.E), NaN], { absolute: 1e-6 });
    const p = 1 / (1 + Math.E);
    expectAllClose((await gradient.data()).slice(2, 4), [p - 1, 1 - p], { absolute: 1e-6 });
    expect([...(await gradient.data())].map(Number.isNaN).filter(Boolean).length).toBeGreaterThanOrEqual(2);
    tf.dispose([logits, labels, loss, gradient]);
  });

  test('a class of probability 0 costs nothing, however impossible', async () => {
    const logits = tf.tensor2d([-Infinity, 0, 0], [1, 3]);
    const labels = tf.tensor2d([0, 1, 0], [1, 3]);
    const loss = crossEntropy({ logits, labels });
    expectAllClose(await loss.data(), [Math.log(2)], { absolute: 1e-6 });
    tf.dispose([logits, labels, loss]);
  });

  test('soft labels need not add up to 1: none at all have no gradient', async () => {
    const logits = tf.tensor2d([1, 2, 3, 1, 2, 3], [2, 3]);
    const labels = tf.tensor2d([0, 0, 0, 1, 1, 0], [2, 3]);
    const gradient = tf.grad((z) => tf.sum(crossEntropy({ logits: z as tf.Tensor2D, labels })))(logits);
    const softmax = [1, 2, 3].map((v) => Math.exp(v) / (Math.exp(1) + Math.exp(2) + Math.exp(3))) as [
      number,
      number,
      number,
    ];
    const expected = [0, 0, 0, 2 * softmax[0] - 1, 2 * softmax[1] - 1, 2 * softmax[2]];
    expectAllClose(await gradient.data(), expected, { absolute: 1e-6 });
    tf.dispose([logits, labels, gradient]);
  });

  test('spreads that are none are refused', () => {
    const [logits, labels] = [tf.zeros<tf.Rank.R2>([1, 1]), tf.zeros<tf.Rank.R1>([1], 'int32')];
    expect(() => crossEntropy({ logits, labels, smoothing: 0.1, spread: 'others' })).toThrow('needs two classes');
    expect(() => crossEntropy({ logits, labels, spread: 'other' as never })).toThrow(
      "expected spread 'all' or 'others'",
    );
    tf.dispose([logits, labels]);
  });
});
