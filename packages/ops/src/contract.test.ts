import '@bag/tfjs-wasm-training';
import { describeOnBackends, expectNoLeak, peakBytes, testContract, withGradients } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import {
  averagePool,
  batchNormInference,
  batchNormTraining,
  conv2d,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  crossEntropy,
  depthwiseConv2d,
  globalAveragePool,
  maxPool,
  PendingStatistics,
  sgdUpdate,
  untaped,
  valueAndGradients,
} from './index.js';
import * as exports from './index.js';

const attributes = {
  strides: [1, 1] as [number, number],
  pad: [
    [1, 1],
    [1, 1],
  ] as [[number, number], [number, number]],
  dilations: [1, 1] as [number, number],
};
const inputs = () => ({
  x: tf.randomNormal<tf.Rank.R4>([2, 6, 6, 3], 0, 1, 'float32', 1),
  dy: tf.randomNormal<tf.Rank.R4>([2, 6, 6, 4], 0, 1, 'float32', 2),
  filter: tf.randomNormal<tf.Rank.R4>([3, 3, 3, 4], 0, 1, 'float32', 3),
  identity: tf.tidy(() => tf.reshape<tf.Rank.R4>(tf.eye(3), [1, 1, 3, 3])),
  residual: tf.randomNormal<tf.Rank.R4>([2, 6, 6, 3], 0, 1, 'float32', 6),
  depthwise: tf.randomNormal<tf.Rank.R4>([3, 3, 3, 1], 0, 1, 'float32', 5),
  depthwiseIdentity: tf.ones<tf.Rank.R4>([1, 1, 3, 1]),
  ones: tf.ones<tf.Rank.R1>([3]),
  zeros: tf.zeros<tf.Rank.R1>([3]),
  logits: tf.randomNormal<tf.Rank.R2>([2, 3], 0, 1, 'float32', 4),
  labels: tf.tensor1d([0, 2], 'int32'),
  softLabels: tf.tensor2d([0.2, 0.3, 0.5, 1, 0, 0], [2, 3]),
});

testContract({
  exports,
  inputs,
  table: {
    conv2d: {
      on: ({ x, filter }) => [
        withGradients((a, b) => conv2d(a, b, { padding: 1 }), [x, filter]),
        withGradients(
          (a, b) =>
            conv2d(a, b, {
              padding: [
                [0, 1],
                [2, 1],
              ],
              strides: 2,
            }),
          [x, filter],
        ),
        withGradients((a, b) => conv2d(a, b, { padding: 2, dilations: 2 }), [x, filter]),
      ],
      off: ({ x, identity }) => [conv2d(x, identity), x],
    },
    conv2dBackpropInput: {
      on: ({ dy, filter }) => conv2dBackpropInput(dy, filter, { ...attributes, inputShape: [2, 6, 6, 3] }),
      off: ({ x, identity }) => [
        conv2dBackpropInput(x, identity, {
          ...attributes,
          pad: [
            [0, 0],
            [0, 0],
          ],
          inputShape: [2, 6, 6, 3],
        }),
        x,
      ],
    },
    conv2dBackpropFilter: {
      on: ({ x, dy }) => conv2dBackpropFilter(x, dy, { ...attributes, filterShape: [3, 3, 3, 4] }),
    },
    depthwiseConv2d: {
      on: ({ x, depthwise }) => [
        withGradients((a, b) => depthwiseConv2d(a, b, { padding: 1 }), [x, depthwise]),
        withGradients((a, b) => depthwiseConv2d(a, b, { padding: 1, strides: 2 }), [x, depthwise]),
      ],
      off: ({ x, depthwiseIdentity }) => [depthwiseConv2d(x, depthwiseIdentity), x],
    },
    averagePool: {
      on: ({ x }) => [
        withGradients((a) => averagePool(a, { size: 3, strides: 2, padding: 1 }), [x]),
        withGradients((a) => averagePool(a, { size: 4, strides: 3, ceil: true, countPadding: false }), [x]),
      ],
      off: ({ x }) => [averagePool(x, { size: 1, strides: 1 }), x],
    },
    batchNormTraining: {
      on: ({ x, ones, zeros, residual }) => [
        batchNormTraining({ x, gamma: ones, beta: zeros }),
        withGradients((a, gamma, beta) => batchNormTraining({ x: a, gamma, beta }).y, [x, ones, zeros]),
        withGradients(
          (a, gamma, beta, b) => batchNormTraining({ x: a, gamma, beta, residual: b, relu: true }).y,
          [x, ones, zeros, residual],
        ),
      ],
    },
    batchNormInference: {
      on: ({ x, ones, zeros }) =>
        batchNormInference({ x, gamma: ones, beta: zeros, mean: ones, variance: ones, relu: true }),
      off: ({ x, ones, zeros }) => [
        batchNormInference({ x, gamma: ones, beta: zeros, mean: zeros, variance: ones, epsilon: 0 }),
        x,
      ],
    },
    maxPool: {
      on: ({ x }) => withGradients((a) => maxPool(a, { size: 3, strides: 2, padding: 1 }), [x]),
      off: ({ x }) => [maxPool(x, { size: 1, strides: 1 }), x],
    },
    globalAveragePool: { on: ({ x }) => withGradients(globalAveragePool, [x]) },
    untaped: { on: ({ x }) => untaped([x], () => tf.square(x)), off: ({ x }) => [untaped([x], () => tf.clone(x)), x] },
    crossEntropy: {
      on: ({ logits, labels, softLabels }) =>
        [labels, softLabels].map((one) =>
          withGradients((z) => crossEntropy({ logits: z, labels: one, smoothing: 0.1 }), [logits]),
        ),
    },
    sgdUpdate: {
      on: ({ ones, zeros }) => sgdUpdate({ parameter: ones, gradient: ones, velocity: zeros, rate: 0.1 }),
      off: ({ ones, zeros }) => [
        sgdUpdate({ parameter: ones, gradient: ones, velocity: zeros, rate: 0, momentum: 0.9, weightDecay: 1 })
          .parameter,
        ones,
      ],
    },
    valueAndGradients: {
      on: ({ ones }) => {
        const parameter = { name: 'w', variable: tf.tidy(() => tf.variable(tf.mul(ones, 3))) };
        const result = valueAndGradients(() => tf.sum<tf.Scalar>(tf.square(parameter.variable)), [parameter]);
        return { result, parameter };
      },
    },
    PendingStatistics: { on: () => new PendingStatistics().size },
  },
});

describeOnBackends('memory', () => {
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
        let y: tf.Tensor4D = x;
        for (const { variable } of parameters) {
          const input = y;
          y = tf.tidy(() => {
            const z = conv2d(input, variable as unknown as tf.Tensor4D, { padding: 1 });
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
