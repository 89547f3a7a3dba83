import { describeOnBackends, expectAllClose, expectNoLeak } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { batchNormInference, batchNormTraining } from './batch-norm.js';
import { goldens, wave } from './fixtures/goldens.js';
import { PendingStatistics } from './pending-statistics.js';

const SHAPE: [number, number, number, number] = [3, 4, 2, 5];
const inputs = () => ({
  x: tf.tensor4d(
    wave(120, 0.37).map((v) => 2 * v + 1),
    SHAPE,
  ),
  gamma: tf.tensor1d(wave(5, 0.9).map((v) => v + 1.5)),
  beta: tf.tensor1d(wave(5, 1.3)),
  residual: tf.tensor4d(wave(120, 0.83), SHAPE),
  dy: tf.tensor4d(wave(120, 0.53), SHAPE),
});
const variableOf = (initial: tf.Tensor) => {
  const variable = tf.variable(initial);
  initial.dispose();
  return variable;
};
const tolerance = { absolute: 1e-5, relative: 1e-5 };

describeOnBackends('batchNormTraining', () => {
  for (const golden of goldens.batchNorm) {
    const { relu, residual: withResidual } = golden;
    test(`equals torch's, relu ${relu}, residual ${withResidual}`, async () => {
      await expectNoLeak(async () => {
        const { x, gamma, beta, residual, dy } = inputs();
        const f = (a: tf.Tensor, g: tf.Tensor, b: tf.Tensor, r: tf.Tensor) =>
          batchNormTraining({
            x: a as tf.Tensor4D,
            gamma: g as tf.Tensor1D,
            beta: b as tf.Tensor1D,
            residual: withResidual ? (r as tf.Tensor4D) : undefined,
            relu,
          });
        const { y, mean, variance } = f(x, gamma, beta, residual);
        expectAllClose(await y.data(), golden.y, tolerance);

        const xs = withResidual ? [x, gamma, beta, residual] : [x, gamma, beta];
        const gradients = tf.grads(
          (...a: tf.Tensor[]) => f(a[0] as tf.Tensor, a[1] as tf.Tensor, a[2] as tf.Tensor, a[3] ?? residual).y,
        )(xs, dy);
        const expected = [golden.dx, golden.dGamma, golden.dBeta, golden.dResidual];
        for (const [i, gradient] of gradients.entries()) {
          expectAllClose(await gradient.data(), expected[i] as number[], tolerance);
        }
        expect(dy.isDisposed, "the caller's dy").toBe(false);

        const runningMean = variableOf(tf.zeros([5]));
        const runningVariance = variableOf(tf.ones([5]));
        const statistics = new PendingStatistics();
        statistics.add({ runningMean, runningVariance, mean, variance, count: 24 });
        statistics.commit();
        expectAllClose(await runningMean.data(), golden.runningMean, tolerance);
        expectAllClose(await runningVariance.data(), golden.runningVariance, tolerance);
        tf.dispose([x, gamma, beta, residual, dy, y, ...gradients, runningMean, runningVariance]);
      }, 0);
    });
  }

  test('discarded statistics change nothing', async () => {
    await expectNoLeak(async () => {
      const runningMean = variableOf(tf.tensor1d([3]));
      const runningVariance = variableOf(tf.tensor1d([4]));
      const statistics = new PendingStatistics();
      tf.tidy(() => {
        statistics.add({ runningMean, runningVariance, mean: tf.tensor1d([1]), variance: tf.tensor1d([1]), count: 2 });
      });
      expect(statistics.size).toBe(1);
      statistics.discard();
      expect(statistics.size).toBe(0);
      expect(Array.from(await runningMean.data())).toEqual([3]);
      expect(Array.from(await runningVariance.data())).toEqual([4]);
      tf.dispose([runningMean, runningVariance]);
    });
  });

  test('inference: (6 − 2)/√(3.99999 + 1e-5)·2 + 1 = 5, and −1 is cut off by the ReLU', async () => {
    await expectNoLeak(async () => {
      const x = tf.tensor4d([6, -2], [2, 1, 1, 1]);
      const statistic = (v: number) => tf.tensor1d([v]);
      const vectors = { gamma: statistic(2), beta: statistic(1), mean: statistic(2), variance: statistic(3.99999) };
      const y = batchNormInference({ x, ...vectors, relu: true });
      expectAllClose(await y.data(), [5, 0], { absolute: 1e-6 });
      tf.dispose([x, y, ...Object.values(vectors)]);
    });
  });

  test('names the vector that does not fit', () => {
    const x = tf.zeros<tf.Rank.R4>([1, 2, 2, 3]);
    const three = tf.zeros<tf.Rank.R1>([3]);
    const two = tf.zeros<tf.Rank.R1>([2]);
    expect(() => batchNormTraining({ x, gamma: three, beta: two })).toThrow('expected beta of shape [3], got [2]');
    tf.dispose([x, three, two]);
  });
});

test('an empty batch has no statistics', () => {
  const x = tf.zeros<tf.Rank.R4>([0, 2, 2, 3]);
  const gamma = tf.ones<tf.Rank.R1>([3]);
  expect(() => batchNormTraining({ x, gamma, beta: gamma })).toThrow('expected values to take statistics of');
  tf.dispose([x, gamma]);
});
