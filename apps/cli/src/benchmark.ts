import { allFinite, type LossScaler } from '@bag/mixed-precision';
import { crossEntropy, PendingStatistics, valueAndGradients } from '@bag/ops';
import { sgd } from '@bag/optim';
import { createRandom } from '@bag/random';
import type { Network } from '@bag/network';
import { type Precision, trainable } from '@bag/trainer';
import * as tf from '@tensorflow/tfjs';

export interface BenchmarkOptions {
  network: Network;
  precision: Precision;
  /** Scales the loss, with a finite check at each step; absent where gradients cannot overflow. */
  scaler: LossScaler | undefined;
  batch: number;
  /** Pixels on a side. */
  size: number;
  classes: number;
  steps: number;
  /** Steps before the clock starts. */
  warmup: number;
  /** The forward pass alone, in inference mode. */
  inference: boolean;
  /** Called when the warm-up is over. */
  onWarm: () => void;
  /** Called after each step with the number of steps so far, those of the warm-up included. */
  onStep: (done: number) => void;
}

/** The milliseconds of each step on random images, in order. */
export async function benchmark(options: BenchmarkOptions): Promise<number[]> {
  const { batch, size, classes, steps, warmup, inference, onWarm, onStep } = options;
  const images = tf.randomNormal<tf.Rank.R4>([batch, size, size, 3], 0, 1, 'float32', 0);
  const labels = tf.randomUniformInt<tf.Rank.R1>([batch], 0, classes, 0);
  const { step, dispose } = inference ? forwardOnly(options, images) : training(options, images, labels);
  const times: number[] = [];
  for (let i = 0; i < warmup + steps; i++) {
    if (i === warmup) onWarm();
    const startMs = performance.now();
    await step();
    if (i >= warmup) times.push(performance.now() - startMs);
    onStep(i + 1);
    // Synchronous engines never yield: without this, signals would starve.
    await tf.nextFrame();
  }
  dispose();
  tf.dispose([images, labels]);
  return times;
}

interface Work {
  /** Ends when its result has been read. */
  step: () => Promise<void>;
  dispose: () => void;
}

/** A step as `@bag/trainer` makes it: forward, loss, backward, finite check where it is needed, update, statistics. */
function training({ network, precision, scaler }: BenchmarkOptions, images: tf.Tensor4D, labels: tf.Tensor1D): Work {
  const parameters = trainable(network);
  const optimizer = sgd({ parameters, rate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 1e-4 });
  let state = optimizer.init();
  let scaling = scaler?.init();
  const random = createRandom({ seed: 0, purpose: 'dropout' });
  const step = async () => {
    const statistics = new PendingStatistics();
    const lossScale = scaling?.scale ?? 1;
    const loss = () =>
      tf.tidy(() => {
        const logits = precision.autocast(() => network.apply(images, { training: true, statistics, random }));
        return tf.mul<tf.Scalar>(tf.mean(crossEntropy({ logits, labels })), lossScale);
      });
    const { value, gradients } = precision.step(() => valueAndGradients(loss, parameters));
    const finite = scaler === undefined || (await allFinite(Object.values(gradients)));
    if (finite) {
      state = optimizer.update(gradients, state, { gradientScale: 1 / lossScale });
      statistics.commit();
    } else {
      state = optimizer.skip(state);
      statistics.discard();
    }
    scaling &&= scaler?.update(scaling, finite);
    await value.data();
    tf.dispose([value, gradients]);
  };
  return { step, dispose: () => optimizer.dispose(state) };
}

function forwardOnly({ network, precision }: BenchmarkOptions, images: tf.Tensor4D): Work {
  const step = async () => {
    const logits = precision.step(() => precision.autocast(() => network.apply(images, { training: false })));
    await logits.data();
    logits.dispose();
  };
  return { step, dispose: () => undefined };
}
