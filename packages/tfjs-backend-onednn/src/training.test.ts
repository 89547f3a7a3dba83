import { allFinite } from '@bag/mixed-precision';
import {
  averagePool,
  batchNormTraining,
  crossEntropy,
  depthwiseConv2d,
  PendingStatistics,
  valueAndGradients,
} from '@bag/ops';
import { sgd } from '@bag/optim';
import { createRandom, normal } from '@bag/random';
import { mixup, smoothLabels } from '@bag/regularizers';
import { cifarResnet } from '@bag/resnet-variants';
import { expectAllClose } from '@bag/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, test } from 'vitest';
import { memory, type OnednnBackend } from './index.js';

const [batch, size, classes] = [8, 8, 10];

interface Model {
  parameters: readonly { name: string; variable: tf.Variable }[];
  logits: (images: tf.Tensor4D, statistics: PendingStatistics) => tf.Tensor2D;
  dispose: () => void;
}

type Layer = (x: tf.Tensor4D, statistics: PendingStatistics) => tf.Tensor4D;

/** Layers made of TensorFlow.js' operations; makes their parameters, the same on every backend. */
class Layers {
  readonly parameters: { name: string; variable: tf.Variable }[] = [];
  readonly #statistics: tf.Variable[] = [];
  readonly #random = createRandom({ seed: 3, purpose: 'weights' });

  #parameter<R extends tf.Rank>(name: string, shape: tf.ShapeMap[R], value: () => number): tf.Variable<R> {
    const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, value);
    const variable = tf.tidy(() => tf.variable(tf.tensor<R>(values, shape)));
    this.parameters.push({ name, variable });
    return variable;
  }

  #weight<R extends tf.Rank>(name: string, shape: tf.ShapeMap[R], inputs: number): tf.Variable<R> {
    return this.#parameter<R>(name, shape, () => normal(this.#random) * Math.sqrt(2 / inputs));
  }

  #batchNorm(name: string, channels: number, relu: boolean): Layer {
    const gamma = this.#parameter<tf.Rank.R1>(`${name}.gamma`, [channels], () => 1);
    const beta = this.#parameter<tf.Rank.R1>(`${name}.beta`, [channels], () => 0);
    const [runningMean, runningVariance] = [0, 1].map((value) =>
      tf.tidy(() => tf.variable(tf.fill([channels], value), false)),
    ) as [tf.Variable, tf.Variable];
    this.#statistics.push(runningMean, runningVariance);
    return (x, statistics) => {
      const { y, mean, variance } = batchNormTraining({ x, gamma, beta, relu });
      statistics.add({ runningMean, runningVariance, mean, variance, count: x.size / channels });
      return y;
    };
  }

  convolution(name: string, shape: [number, number, number, number], strides = 1, relu = true): Layer {
    const filter = this.#weight<tf.Rank.R4>(name, shape, shape[0] * shape[1] * shape[2]);
    const batchNorm = this.#batchNorm(name, shape[3], relu);
    return (x, statistics) => batchNorm(tf.conv2d(x, filter, strides, 'same'), statistics);
  }

  depthwise(name: string, channels: number, strides = 1): Layer {
    const filter = this.#weight<tf.Rank.R4>(name, [3, 3, channels, 1], 9);
    const batchNorm = this.#batchNorm(name, channels, false);
    return (x, statistics) => batchNorm(depthwiseConv2d(x, filter, { strides, padding: 1 }), statistics);
  }

  dense(name: string, from: number): (x: tf.Tensor2D) => tf.Tensor2D {
    const weight = this.#weight<tf.Rank.R2>(name, [from, classes], from);
    const bias = this.#parameter<tf.Rank.R1>(`${name}.bias`, [classes], () => 0);
    return (x) => tf.add(tf.matMul(x, weight), bias);
  }

  dispose(): void {
    tf.dispose([this.parameters.map(({ variable }) => variable), this.#statistics]);
  }
}

const globalPool = (x: tf.Tensor4D) => tf.mean<tf.Tensor2D>(x, [1, 2]);

function resnet8d(): Model {
  const random = createRandom({ seed: 1, purpose: 'weights' });
  const network = cifarResnet({ depth: 8, variant: 'd', classes, width: 4 }, { random });
  return {
    parameters: network.parameters.filter(({ variable }) => variable.trainable),
    logits: (images, statistics) => network.apply(images, { training: true, statistics }),
    dispose: () => network.dispose(),
  };
}

/** Depthwise separable convolutions and ReLU6, as MobileNet has them. */
function separable(): Model {
  const layers = new Layers();
  const stem = layers.convolution('stem', [3, 3, 3, 8], 2, false);
  const depthwise = layers.depthwise('depthwise', 8, 2);
  const pointwise = layers.convolution('pointwise', [1, 1, 8, 16], 1, false);
  const dense = layers.dense('dense', 16);
  return {
    parameters: layers.parameters,
    logits: (images, statistics) => {
      const units = [stem, depthwise, pointwise];
      return dense(globalPool(units.reduce((x, unit) => tf.relu6(unit(x, statistics)), images)));
    },
    dispose: () => layers.dispose(),
  };
}

/** Branches side by side, average and maximum pools among them, as Inception has them. */
function inception(): Model {
  const layers = new Layers();
  const stem = layers.convolution('stem', [3, 3, 3, 8]);
  const straight = layers.convolution('straight', [1, 1, 8, 4]);
  const narrow = layers.convolution('narrow', [1, 1, 8, 4]);
  const wide = layers.convolution('wide', [1, 7, 4, 4]);
  const tall = layers.convolution('tall', [7, 1, 4, 4]);
  const pooled = layers.convolution('pooled', [1, 1, 8, 4]);
  const dense = layers.dense('dense', 20);
  return {
    parameters: layers.parameters,
    logits: (images, statistics) => {
      const x = tf.maxPool(stem(images, statistics), 3, 2, 'valid');
      const branches = [
        straight(x, statistics),
        tall(wide(narrow(x, statistics), statistics), statistics),
        pooled(averagePool(x, { size: 3, strides: 1, padding: 1 }), statistics),
        tf.maxPool(x, 3, 1, 'same'),
      ];
      return dense(globalPool(tf.concat(branches, 3)));
    },
    dispose: () => layers.dispose(),
  };
}

/** A class is a pattern under noise. */
function examples(step: number): { images: tf.Tensor4D; labels: tf.Tensor1D } {
  const random = createRandom({ seed: 2, purpose: 'examples', index: step });
  const labels = Int32Array.from({ length: batch }, () => random.integer(classes));
  const length = size * size * 3;
  const images = Float32Array.from({ length: batch * length }, (_, i) => {
    const label = labels[Math.floor(i / length)] as number;
    return Math.sin((label + 1) * (i % length)) + 0.5 * normal(random);
  });
  return { images: tf.tensor4d(images, [batch, size, size, 3]), labels: tf.tensor1d(labels, 'int32') };
}

/** Trains step by step, with everything that a step has: mixup, label smoothing, statistics, a metric, the check. */
function trainer({ parameters, logits }: Model) {
  const optimizer = sgd({ parameters, rate: 0.02, momentum: 0.9, nesterov: true, weightDecay: 1e-4 });
  let state = optimizer.init();
  const step = async (): Promise<number> => {
    const { images, labels } = examples(state.step);
    const random = createRandom({ seed: 2, purpose: 'mixup', index: state.step });
    const mixed = mixup({ images, labels }, { alpha: 0.2, random, classes });
    const targets = smoothLabels(mixed.softLabels, { epsilon: 0.1 });
    const statistics = new PendingStatistics();
    const correct: tf.Tensor[] = [];
    const { value, gradients } = valueAndGradients(
      () =>
        tf.tidy(() => {
          const z = logits(mixed.images, statistics);
          correct.push(tf.keep(tf.sum(tf.equal(tf.argMax(z, 1), tf.argMax(mixed.softLabels, 1)))));
          return tf.mean<tf.Scalar>(crossEntropy({ logits: z, labels: targets }));
        }),
      parameters,
    );
    expect(await allFinite([value, ...Object.values(gradients)])).toBe(true);
    statistics.commit();
    state = optimizer.update(gradients, state);
    const [loss] = await value.data();
    tf.dispose([images, labels, mixed, targets, gradients, value, correct] as tf.TensorContainer);
    return loss as number;
  };
  return { step, dispose: () => tf.dispose(state.velocities) };
}

async function losses(backend: 'cpu' | 'onednn', steps: number): Promise<number[]> {
  await tf.setBackend(backend);
  const model = resnet8d();
  const { step, dispose } = trainer(model);
  const result: number[] = [];
  while (result.length < steps) result.push(await step());
  dispose();
  model.dispose();
  return result;
}

const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;

describe.each([
  ['a ResNet-8-D', resnet8d, ['BagConv2D', 'BagBatchNormTrainingGrad', 'BagAveragePool']],
  ['depthwise separable convolutions', separable, ['BagDepthwiseConv2DBackpropFilter', 'Relu6']],
  ['Inception branches', inception, ['Concat', 'MaxPoolGrad', 'BagAveragePoolGrad']],
])('a training step of %s', (_, create, kernels) => {
  beforeEach(() => tf.setBackend('onednn'));

  test('runs natively, all of it', async () => {
    const { forwarded } = tf.backend() as unknown as OnednnBackend;
    const model = create();
    const { step, dispose } = trainer(model);
    forwarded.clear();
    const profile = await tf.profile(async () => ({ loss: tf.scalar(await step()) }));
    expect(profile.kernelNames).toEqual(expect.arrayContaining([...kernels, 'BagCrossEntropy', 'BagSgdUpdate']));
    expect([...forwarded]).toEqual([]);
    tf.dispose(profile.result);
    dispose();
    model.dispose();
  });

  test('leaves nothing behind', async () => {
    const model = create();
    const { step, dispose } = trainer(model);
    await step();
    const tensors = tf.memory().numTensors;
    const { bytesInUse, blocksInUse } = memory();
    for (let i = 0; i < 5; i++) {
      await step();
      expect(tf.memory().numTensors).toBe(tensors);
      expect(memory()).toMatchObject({ bytesInUse, blocksInUse });
    }
    dispose();
    model.dispose();
  });
});

test('training goes as on tfjs-backend-cpu', { timeout: 180_000 }, async () => {
  const native = await losses('onednn', 200);
  const reference = await losses('cpu', 200);
  expectAllClose(native.slice(0, 10), reference.slice(0, 10), { relative: 1e-4 });
  expect(mean(reference.slice(-20))).toBeLessThan(0.8 * mean(reference.slice(0, 20)));
  expectAllClose([mean(native.slice(-20))], [mean(reference.slice(-20))], { relative: 0.01 });
});
