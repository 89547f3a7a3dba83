import { policy } from '@bag/mixed-precision';
import { batchNormTraining, conv2d, crossEntropy, globalAveragePool, maxPool, valueAndGradients } from '@bag/ops';
import * as tf from '@tensorflow/tfjs';
import type { DataId } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test, vi } from 'vitest';
import { noise } from './fixtures/noise.js';
import { onednn } from './fixtures/onednn.js';
import type { Storage } from './storage.js';

beforeAll(async () => {
  await tf.setBackend('onednn');
});

const bytesOf = ({ length, half }: Storage) => length * (half === undefined ? 4 : 2);

/** The bytes of the tensors that `f` makes, at their most; those that `isCounted` refuses when it has run are left out. */
function peakOf<T>(f: () => T, isCounted: (id: DataId, result: T) => boolean): number {
  const { data } = onednn();
  const alive = new Map<DataId, Storage>();
  const moments: [DataId, number][][] = [];
  const set = data.set.bind(data);
  const spy = vi.spyOn(data, 'set').mockImplementation((id, storage) => {
    set(id, storage);
    for (const other of alive.keys()) if (!data.has(other)) alive.delete(other);
    alive.set(id, storage);
    moments.push([...alive].map(([id, storage]) => [id, bytesOf(storage)]));
  });
  try {
    const result = f();
    const sums = moments.map((all) => all.reduce((sum, [id, bytes]) => sum + (isCounted(id, result) ? bytes : 0), 0));
    return Math.max(...sums);
  } finally {
    spy.mockRestore();
  }
}

/** The peak of the activations and their gradients in one step of a residual network. */
function activationsOf(dtype: 'float32' | 'bfloat16' | 'float16'): number {
  tf.engine().startScope();
  const parameters = Object.entries({
    stem: [3, 3, 3, 32], gammaA: [32], betaA: [32],
    conv: [3, 3, 32, 32], gammaB: [32], betaB: [32],
    last: [3, 3, 32, 32], gammaC: [32], betaC: [32],
    head: [32, 5],
  }).map(([name, shape], i) => {
    const values = noise(shape.reduce((a, b) => a * b, 1), i, 0.1, 0.3);
    return { name, variable: tf.variable(tf.tensor(values, shape)) };
  }); // prettier-ignore
  const { stem, gammaA, betaA, conv, gammaB, betaB, last, gammaC, betaC, head } = Object.fromEntries(
    parameters.map(({ name, variable }) => [name, variable as tf.Tensor]),
  ) as Record<'stem' | 'conv' | 'last', tf.Tensor4D> &
    Record<'gammaA' | 'betaA' | 'gammaB' | 'betaB' | 'gammaC' | 'betaC', tf.Tensor1D> &
    Record<'head', tf.Tensor2D>;
  const images = tf.tensor4d(noise(8 * 32 * 32 * 3, 20), [8, 32, 32, 3]);
  const labels = tf.tensor1d([0, 1, 2, 3, 4, 0, 1, 2], 'int32');
  const normalise = (x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D, residual?: tf.Tensor4D) =>
    batchNormTraining({ x, gamma, beta, relu: true, residual }).y;
  const network = () => {
    const first = normalise(conv2d(images, stem, { padding: 1 }), gammaA, betaA);
    const pooled = maxPool(first, { size: 3, strides: 2, padding: 1 });
    const second = normalise(conv2d(pooled, conv, { padding: 1, strides: 2 }), gammaB, betaB);
    const third = normalise(conv2d(second, last, { padding: 1 }), gammaC, betaC, second);
    return tf.matMul<tf.Tensor2D>(globalAveragePool(third), head);
  };
  const precision = policy({ dtype });
  const step = () =>
    precision.step(() =>
      valueAndGradients(
        () => tf.tidy(() => tf.mean(crossEntropy({ logits: precision.autocast(network), labels }))),
        parameters,
      ),
    );
  const peak = peakOf(step, (id, { gradients }) => Object.values(gradients).every(({ dataId }) => dataId !== id));
  tf.engine().endScope();
  parameters.forEach(({ variable }) => { variable.dispose(); }); // prettier-ignore
  return peak;
}

test('activations take half the bytes in 16 bits, at the peak of a training step', () => {
  const full = activationsOf('float32');
  // All that is saved: the results of a convolution and its normalisation at 32 × 32, of a pool at 16 × 16, four at 8 × 8.
  expect(full).toBeGreaterThan(4 * 8 * 32 * (2 * 32 * 32 + 16 * 16 + 4 * 8 * 8));
  for (const format of ['bfloat16', 'float16'] as const) {
    // Statistics and the rounded images are more than half.
    const ratio = activationsOf(format) / full;
    expect(ratio, format).toBeGreaterThan(0.49);
    expect(ratio, format).toBeLessThanOrEqual(0.52);
  }
});
