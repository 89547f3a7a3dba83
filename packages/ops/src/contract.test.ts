import '@bag/tfjs-wasm-training';
import { describeOnBackends, expectNoLeak, peakBytes } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import {
  batchNormInference,
  batchNormTraining,
  conv2d,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  crossEntropy,
  PendingStatistics,
  sgdUpdate,
  valueAndGradients,
} from './index.js';
import * as exports from './index.js';

type T4 = tf.Tensor4D;
const image = () => tf.randomNormal<tf.Rank.R4>([2, 6, 6, 3], 0, 1, 'float32', 1);
const filter = () => tf.randomNormal<tf.Rank.R4>([3, 3, 3, 4], 0, 1, 'float32', 2);
const vector = () => tf.ones<tf.Rank.R1>([3]);
const attributes = {
  strides: [1, 1] as [number, number],
  pad: [
    [1, 1],
    [1, 1],
  ] as [[number, number], [number, number]],
  dilations: [1, 1] as [number, number],
};

/** Every exported operation on ordinary input. */
const operations: Record<string, () => tf.Tensor[]> = {
  conv2d: () => [conv2d(image(), filter(), { padding: 1 })],
  conv2dBackpropInput: () => [
    conv2dBackpropInput(tf.ones<tf.Rank.R4>([2, 6, 6, 4]), filter(), { ...attributes, inputShape: [2, 6, 6, 3] }),
  ],
  conv2dBackpropFilter: () => [
    conv2dBackpropFilter(image(), tf.ones<tf.Rank.R4>([2, 6, 6, 4]), { ...attributes, filterShape: [3, 3, 3, 4] }),
  ],
  batchNormTraining: () =>
    Object.values(batchNormTraining({ x: image(), gamma: vector(), beta: vector() })) as tf.Tensor[],
  batchNormInference: () => [
    batchNormInference({ x: image(), gamma: vector(), beta: vector(), mean: vector(), variance: vector() }),
  ],
  crossEntropy: () => [crossEntropy({ logits: tf.ones<tf.Rank.R2>([2, 3]), labels: tf.tensor1d([0, 2], 'int32') })],
  sgdUpdate: () => Object.values(sgdUpdate({ parameter: vector(), gradient: vector(), velocity: vector(), rate: 0.1 })),
};

test('the table is complete', () => {
  const functions = Object.keys(exports).filter((name) => !['PendingStatistics', 'valueAndGradients'].includes(name));
  expect(Object.keys(operations).sort()).toEqual(functions.sort());
});

describeOnBackends('contract', () => {
  describe.each(Object.entries(operations))('%s', (_name, run) => {
    test('float32, finite, the same twice, nothing left alive', async () => {
      await expectNoLeak(async () => {
        const first = tf.tidy(run);
        const second = tf.tidy(run);
        for (const [i, tensor] of first.entries()) {
          const values = await tensor.data();
          expect(tensor.dtype).toBe('float32');
          expect(values.every(Number.isFinite)).toBe(true);
          expect(values).toEqual(await (second[i] as tf.Tensor).data());
        }
        tf.dispose([first, second]);
      });
    });
  });

  test('off is the identity: identity filter, γ = 1 with the own statistics, rate 0', async () => {
    await expectNoLeak(async () => {
      const x = image();
      const one = tf.tidy(() => tf.reshape<tf.Rank.R4>(tf.eye(3), [1, 1, 3, 3]));
      const same = conv2d(x, one);
      const v = vector();
      const next = sgdUpdate({ parameter: v, gradient: v, velocity: v, rate: 0, momentum: 0.9, weightDecay: 1 });
      expect(await same.data()).toEqual(await x.data());
      expect(await next.parameter.data()).toEqual(await v.data());
      tf.dispose([x, one, same, v, next.parameter, next.velocity]);
    });
  });

  test('a residual block of 8 convolutions peaks near what must be saved', async () => {
    const shape: [number, number, number, number] = [4, 16, 16, 8];
    const unit = 4 * 4 * 16 * 16 * 8;
    const parameters = Array.from({ length: 8 }, (_, i) => {
      const initial = tf.randomNormal([3, 3, 8, 8], 0, 0.1, 'float32', i);
      const variable = tf.variable(initial);
      initial.dispose();
      return { name: String(i), variable };
    });
    const x = tf.randomNormal<tf.Rank.R4>(shape, 0, 1, 'float32', 9);
    const gamma = tf.ones<tf.Rank.R1>([8]);
    const beta = tf.zeros<tf.Rank.R1>([8]);
    const step = () => {
      const statistics = new PendingStatistics();
      const { value, gradients } = valueAndGradients(() => {
        let y: T4 = x;
        for (const { variable } of parameters) {
          const input = y;
          y = tf.tidy(() => {
            const z = conv2d(input, variable as unknown as T4, { padding: 1 });
            return batchNormTraining({ x: z, gamma, beta, residual: input, relu: true }).y;
          });
        }
        return tf.mean<tf.Scalar>(y);
      }, parameters);
      statistics.discard();
      return [value, ...Object.values(gradients)];
    };
    tf.dispose(step());
    await expectNoLeak(() => {
      const { peak, result } = peakBytes(step);
      tf.dispose(result);
      // Saved: the input and output of each convolution, 2·8 + 1; in flight: a few of dy, dx and a kernel's temporaries.
      expect(peak / unit).toBeLessThan(1.3 * 17);
    });
    tf.dispose([x, gamma, beta, parameters.map(({ variable }) => variable)]);
  });
});
