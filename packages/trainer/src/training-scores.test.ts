import { sgd } from '@bag/optim';
import { describeOnBackends, expectAllClose } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import type { TrainEvent, TrainingScores } from './events.js';
import { train } from './train.js';
import type { Mixing, Tricks } from './tricks.js';
import { type Batch, trainable } from './types.js';

/** A network whose logits are its only parameter: those of an image are the row that its first pixel names. */
function fixedLogits(rows: number[][]) {
  const shape = [rows.length, 3];
  const variable = tf.tidy(() => tf.variable(tf.tensor2d(rows)));
  return {
    parameters: [{ name: 'z', role: 'weight' as const, shape, variable }],
    apply: (images: tf.Tensor4D) =>
      tf.tidy(() => {
        const row = tf.cast(tf.slice(tf.reshape(images, [images.shape[0], -1]), [0, 0], [-1, 1]), 'int32');
        const select = tf.oneHot(tf.reshape<tf.Rank.R1>(row, [-1]), rows.length);
        return tf.matMul<tf.Tensor2D>(tf.cast(select, 'float32'), variable);
      }),
    dispose: () => variable.dispose(),
  };
}

const batchOf = (...examples: { row: number; label: number }[]): Batch => ({
  images: Float32Array.from(examples, ({ row }) => row),
  labels: Int32Array.from(examples, ({ label }) => label),
  shape: [examples.length, 1, 1, 1],
});
const [first, second] = [
  { row: 0, label: 2 },
  { row: 1, label: 1 },
];

/** What an epoch of one step at a rate of nearly 0 tells. */
async function scoresOf(
  microbatches: Batch[],
  tricks: Tricks,
): Promise<{ step: TrainingScores; epoch: TrainingScores }> {
  const network = fixedLogits([
    [1, 2, 3],
    [0, 1, 0],
  ]);
  const optimizer = sgd({ parameters: trainable(network), rate: 1e-20, momentum: 0 });
  const events: TrainEvent[] = [];
  const { state } = await train({
    network,
    batches: () => microbatches,
    stepsPerEpoch: 1,
    accumulate: microbatches.length,
    epochs: 1,
    optimizer,
    state: { epoch: 0, optimizer: optimizer.init() },
    tricks,
    seed: 0,
    onEvent: (event) => {
      events.push(event);
    },
  });
  optimizer.dispose(state.optimizer);
  network.dispose();
  const [step] = events.flatMap((event) => (event.kind === 'step' ? [event] : []));
  const [epoch] = events.flatMap((event) => (event.kind === 'epoch' ? [event.train] : []));
  if (step === undefined || epoch === undefined) throw new Error('no step or no epoch');
  return { step, epoch };
}

/** Teacher logits [[3, 1, 0], [0, 2, 1]], T = 4. */
const distillation = {
  teacherLogits: (images: tf.Tensor4D) => {
    const teacher = fixedLogits([
      [3, 1, 0],
      [0, 2, 1],
    ]);
    const logits = teacher.apply(images);
    teacher.dispose();
    return logits;
  },
  temperature: 4,
  hardWeight: 0.5,
  softWeight: 2,
};

describeOnBackends('what training tells of its loss', () => {
  // torch 1.13 in float64: cross_entropy, and T² times kl_div of the softened logits, as batch means.
  const [hard, soft] = [0.4795253391882157, 1.1265749768083153];

  test('with a teacher both terms beside the weighted sum, as torch has them', async () => {
    const { step, epoch } = await scoresOf([batchOf(first, second)], { distillation });
    for (const one of [step, epoch]) {
      expectAllClose([one.hard ?? NaN, one.soft ?? NaN], [hard, soft], { absolute: 1e-5 });
      expectAllClose([one.loss], [0.5 * hard + 2 * soft], { absolute: 1e-5 });
    }
  });

  test('microbatches weigh as much as they have examples', async () => {
    const { step } = await scoresOf([batchOf(first, first), batchOf(second)], { distillation });
    // The examples by themselves, from torch as above.
    const [hards, softs] = [
      [0.4076059644443804, 0.5514447139320511],
      [2.1545412566786393, 0.09860869693799135],
    ] as [[number, number], [number, number]];
    const mean = ([a, b]: [number, number]) => (2 * a + b) / 3;
    expectAllClose([step.hard ?? NaN, step.soft ?? NaN], [mean(hards), mean(softs)], { absolute: 1e-5 });
  });

  test('without a teacher there are no terms', async () => {
    const { step, epoch } = await scoresOf([batchOf(first, second)], {});
    expectAllClose([step.loss], [hard], { absolute: 1e-5 });
    expect([Object.keys(step), Object.keys(epoch)].flat()).not.toContain('hard');
  });
});

describeOnBackends('what training tells of its accuracy', () => {
  /** Class 1 in the place of every partner; predicted are class 2 and class 1. */
  const mixedWith =
    (lambda: number | Float32Array): Mixing =>
    ({ images, labels }) => ({
      images: images.clone(),
      targets: { labels: labels.clone(), partnerLabels: tf.onesLike(labels), lambda },
    });

  test.each([
    [1, (1 + 0) / 2],
    [0.7, (0.7 + 0.3) / 2],
    [0, (0 + 1) / 2],
    [Float32Array.of(0.9, 0.2), (0.9 + 0.8) / 2],
  ])('with λ = %j a hit counts the share of the predicted class', async (lambda, expected) => {
    const batch = batchOf(first, { row: 1, label: 0 });
    const { step, epoch } = await scoresOf([batch], { mixing: mixedWith(lambda) });
    expectAllClose([step.top1, epoch.top1], [expected, expected], { absolute: 1e-6 });
    expectAllClose([step.top5], [1], { absolute: 1e-6 });
  });

  test('labels that a trick changes are the ones that count', async () => {
    const relabelled: Mixing = ({ images }) => ({
      images: images.clone(),
      targets: { labels: tf.tensor1d([2, 1], 'int32') },
    });
    const { step } = await scoresOf([batchOf({ row: 0, label: 0 }, { row: 1, label: 0 })], { mixing: relabelled });
    expect(step.top1).toBe(1);
  });

  test('nothing is left alive', async () => {
    await scoresOf([batchOf(first, second)], { distillation, mixing: mixedWith(0.4) });
    const before = tf.memory().numTensors;
    await scoresOf([batchOf(first, second)], { distillation, mixing: mixedWith(0.4) });
    expect(tf.memory().numTensors).toBe(before);
  });
});
