import { testContract } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import * as exports from './index.js';
import { allFinite, halfCopies, lossScaler, policy, roundArray, roundTo, staticLossScaler } from './index.js';

const halves = (x: tf.Tensor) => tf.tidy(() => tf.div(tf.round(tf.mul(x, 4)), 4));
const product = (dtype: 'float32' | 'bfloat16', x: tf.Tensor2D) => {
  const precision = policy({ dtype });
  return precision.step(() => precision.autocast(() => tf.matMul(x, x)));
};

testContract({
  exports,
  inputs: () => ({ x: tf.randomNormal<tf.Rank.R2>([5, 5], 0, 1, 'float32', 1) }),
  // Off is a value that the format holds already, and a policy of 32 bits.
  table: {
    roundTo: {
      on: ({ x }) => [roundTo(x, 'float16'), roundTo(x, 'bfloat16')],
      off: ({ x }) => {
        const exact = halves(x);
        return [
          [roundTo(exact, 'float16'), roundTo(exact, 'bfloat16')],
          [exact, exact.clone()],
        ];
      },
    },
    roundArray: {
      on: async ({ x }) => roundArray(Float32Array.from(await x.data()), 'float16'),
      off: () => [roundArray(Float32Array.of(0.5, -3), 'bfloat16'), Float32Array.of(0.5, -3)],
    },
    halfCopies: {
      on: ({ x }) => halfCopies({ x }, 'bfloat16'),
      off: ({ x }) => {
        const exact = halves(x);
        return [halfCopies({ exact }, 'float16'), { exact }];
      },
    },
    allFinite: {
      // A network has more parameters than an engine may take at once.
      on: async ({ x }) => {
        const none = tf.tensor1d([1, NaN, Infinity]);
        const many = Array.from({ length: 60 }, () => x);
        const found = [await allFinite(many), await allFinite([...many, none])];
        none.dispose();
        return found;
      },
    },
    lossScaler: {
      on: () => lossScaler().update(lossScaler().init(), false),
      off: () => [lossScaler({ init: 8 }).update({ scale: 8, goodSteps: 0 }, true).scale, 8],
    },
    staticLossScaler: {
      on: () => staticLossScaler(128).init(),
      off: () => [staticLossScaler(1).update(staticLossScaler(1).init(), true).scale, 1],
    },
    policy: {
      on: ({ x }) => product('bfloat16', x),
      off: ({ x }) => [product('float32', x), tf.matMul(x, x)],
    },
  },
});
