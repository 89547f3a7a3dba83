import { testContract } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import * as exports from './index.js';
import { ema, Ema, sgd, Sgd, type SgdOptions } from './index.js';

const copyOf = (start: tf.Tensor) => ({ name: 'w', variable: tf.tidy(() => tf.variable(tf.mul(start, 1))) });

function sgdStep(start: tf.Tensor, gradient: tf.Tensor, options: Omit<SgdOptions, 'parameters'>) {
  const parameters = [copyOf(start)];
  const optimizer = sgd({ parameters, ...options });
  return { state: optimizer.update({ w: gradient }, optimizer.init()), weight: parameters[0]?.variable };
}

function emaUpdate(start: tf.Tensor, shift: tf.Tensor, decay: number) {
  const parameter = copyOf(start);
  const average = ema({ parameters: [parameter], decay, warmup: false });
  const state = average.init();
  tf.tidy(() => {
    parameter.variable.assign(tf.add(start, shift));
  });
  return { averages: average.update(state).averages, weight: parameter.variable };
}

const inputs = () => ({
  start: tf.randomNormal([3, 4], 0, 1, 'float32', 1),
  gradient: tf.randomNormal([3, 4], 0, 1, 'float32', 2),
  zero: tf.zeros([3, 4]),
});
type Inputs = ReturnType<typeof inputs>;

const sgdRow = {
  on: ({ start, gradient }: Inputs) =>
    sgdStep(start, gradient, { rate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-4 }),
  off: ({ start, gradient }: Inputs) => {
    const { state, weight } = sgdStep(start, gradient, { rate: 0, momentum: 0.9, weightDecay: 1 });
    tf.dispose(state.velocities);
    return [weight, start] as const;
  },
};
const emaRow = {
  on: ({ start, gradient }: Inputs) => emaUpdate(start, gradient, 0.9),
  // Weights that stay where they are have themselves as their average.
  off: ({ start, zero }: Inputs) => {
    const { averages, weight } = emaUpdate(start, zero, 0.5);
    weight.dispose();
    return [averages['w'], start] as const;
  },
};

testContract({
  exports,
  inputs,
  table: {
    sgd: sgdRow,
    Sgd: { ...sgdRow, on: ({ start }: Inputs) => new Sgd({ parameters: [copyOf(start)], rate: 1 }).parameters },
    ema: emaRow,
    Ema: {
      ...emaRow,
      on: ({ start }: Inputs) => {
        const parameter = copyOf(start);
        return { state: new Ema({ parameters: [parameter] }).init(), parameter };
      },
    },
  },
});
