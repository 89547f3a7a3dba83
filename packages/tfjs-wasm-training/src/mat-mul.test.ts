import { describeOnBackends, expectNoLeak, relativeError } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import './index.js';

const flags = [false, true];
const combinations = flags.flatMap((transposeA) => flags.map((transposeB) => ({ transposeA, transposeB })));

async function onBoth(f: () => tf.Tensor): Promise<[Float32Array, Float32Array]> {
  const results: Float32Array[] = [];
  for (const backend of ['wasm', 'cpu']) {
    await tf.setBackend(backend);
    const result = await expectNoLeak(() => tf.tidy(f), 1);
    results.push((await result.data()) as Float32Array);
    result.dispose();
  }
  return results as [Float32Array, Float32Array];
}

describeOnBackends(
  'products of matrices equal those of the cpu backend',
  () => {
    test.each(combinations)('batched, broadcast, %j', async ({ transposeA, transposeB }) => {
      const [actual, expected] = await onBoth(() => {
        const a = tf.randomNormal(transposeA ? [3, 17, 5] : [3, 5, 17], 0, 1, 'float32', 1);
        const b = tf.randomNormal(transposeB ? [1, 20, 17] : [1, 17, 20], 0, 1, 'float32', 2);
        return tf.matMul(a, b, transposeA, transposeB);
      });
      expect(relativeError(actual, expected)).toBeLessThan(1e-6);
    });

    test.each(combinations)('fused with bias and activation, %j', async ({ transposeA, transposeB }) => {
      const [actual, expected] = await onBoth(() => {
        const a = tf.randomNormal<tf.Rank.R2>(transposeA ? [33, 5] : [5, 33], 0, 1, 'float32', 1);
        const b = tf.randomNormal<tf.Rank.R2>(transposeB ? [20, 33] : [33, 20], 0, 1, 'float32', 2);
        const bias = tf.randomNormal<tf.Rank.R1>([20], 0, 1, 'float32', 3);
        return tf.fused.matMul({ a, b, transposeA, transposeB, bias, activation: 'relu' });
      });
      expect(relativeError(actual, expected)).toBeLessThan(1e-6);
    });
  },
  ['wasm'],
);
