import { lossScaler, policy } from '@bag/mixed-precision';
import { ema, sgd, type EmaState, type SgdState } from '@bag/optim';
import { createRandom } from '@bag/random';
import { noBiasDecay } from '@bag/regularizers';
import { cifarResnet } from '@bag/resnet-variants';
import { warmupCosine } from '@bag/schedules';
import { describeOnBackends, expectAllClose } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { mixupAdapter } from './adapters.js';
import type { MemoryInUse, TrainEvent } from './events.js';
import { hardLoss } from './objective.js';
import { loadParameters, storeParameters } from './parameters.js';
import { NonFiniteLossError, train, type TrainState } from './train.js';
import type { Tricks } from './tricks.js';
import { type Batch, trainable } from './types.js';

type State = TrainState<SgdState, { scale: number; goodSteps: number }, EmaState>;

const size = 8;
const perBatch = 4;
const stepsPerEpoch = 4;

/** Batches that depend on the epoch and the number only: bright images are class 1. */
function batchesOf(epoch: number): Batch[] {
  return Array.from({ length: stepsPerEpoch }, (_, index) => {
    const random = createRandom({ seed: 5, purpose: 'images', epoch, index });
    const labels = Int32Array.from({ length: perBatch }, () => random.integer(2));
    const images = new Float32Array(perBatch * size * size * 3);
    for (let i = 0; i < images.length; i++) {
      images[i] = random() - 0.5 + (labels[Math.floor(i / (size * size * 3))] as number);
    }
    return { images, labels, shape: [perBatch, size, size, 3] };
  });
}

const create = (classes = 2) =>
  cifarResnet(
    { depth: 8, variant: 'd', width: 4, classes, zeroGamma: true },
    { random: createRandom({ seed: 1, purpose: 'weights' }) },
  );

function setUp({
  rate = 0.05,
  accumulate = 1,
  tricks,
  epochs = 3,
}: { rate?: number; accumulate?: number; tricks?: Tricks; epochs?: number } = {}) {
  const network = create();
  const optimizer = sgd({
    parameters: noBiasDecay(trainable(network), { weightDecay: 1e-3 }),
    rate: warmupCosine({ peak: rate, warmupSteps: 2, totalSteps: epochs * stepsPerEpoch }),
    momentum: 0.9,
    nesterov: true,
  });
  const scaler = lossScaler({ init: 1024 });
  const average = ema({ parameters: network.parameters, decay: 0.9 });
  const state: State = { epoch: 0, optimizer: optimizer.init(), scaler: scaler.init(), average: average.init() };
  const run = (from: State, to: number, onEvent?: (event: TrainEvent, state: State) => void, signal?: AbortSignal) =>
    train({
      network,
      batches: (epoch) => batchesOf(epoch),
      stepsPerEpoch: stepsPerEpoch / accumulate,
      validation: () => batchesOf(99),
      epochs: to,
      optimizer,
      scaler,
      average,
      state: from,
      accumulate,
      seed: 3,
      ...(tricks !== undefined && { tricks }),
      signal,
      ...(onEvent !== undefined && { onEvent }),
    });
  return { network, optimizer, scaler, average, state, run };
}

/** Every trick at once. */
function everyTrick(): { tricks: Tricks; dispose: () => void } {
  const teacher = create();
  return {
    tricks: {
      smoothing: { epsilon: 0.1, spread: 'all' },
      mixing: mixupAdapter({ alpha: 0.2, epochs: 3, offEpochs: 1 }),
      distillation: { teacherLogits: (x) => teacher.apply(x), temperature: 20, hardWeight: 1, softWeight: 1 },
      precision: policy({ dtype: 'float16' }),
    },
    dispose: () => teacher.dispose(),
  };
}

describeOnBackends(
  'train',
  () => {
    test('learns a separable problem, and tells what it does', async () => {
      const { state, run } = setUp({ epochs: 8, rate: 0.1 });
      const events: TrainEvent[] = [];
      const { state: end } = await run(state, 8, (event) => events.push(event));
      const last = events.at(-1);
      if (last?.kind !== 'epoch') throw new Error('no epoch at the end');
      expect(last.validation?.top1).toBe(1);
      expect(last.average).toBeDefined();
      expect(end.epoch).toBe(8);
      expect(events[0]).toMatchObject({ kind: 'start', epochs: 8, stepsPerEpoch });
      expect(events.filter(({ kind }) => kind === 'first-batch')).toHaveLength(1);
      expect(events.filter(({ kind }) => kind === 'step')).toHaveLength(8 * stepsPerEpoch);
    });

    test('with every trick on, the number of tensors is constant from step 2 on', async () => {
      const { tricks, dispose } = everyTrick();
      const { state, run } = setUp({ tricks });
      const counts: number[] = [];
      const epochs: MemoryInUse[] = [];
      await run(state, 3, (event) => {
        if (event.kind === 'step') counts.push(tf.memory().numTensors);
        if (event.kind === 'epoch') epochs.push(event.memory);
      });
      expect(counts).toHaveLength(12);
      expect(new Set(counts.slice(1)).size).toBe(1);
      const { numTensors: tensors, numBytes: bytes } = tf.memory();
      expect(epochs).toEqual([0, 1, 2].map(() => expect.objectContaining({ tensors, bytes }) as unknown));
      dispose();
    });

    test('a run that is stored and resumed equals one that is not', async () => {
      const { tricks, dispose } = everyTrick();
      const whole = setUp({ tricks });
      await whole.run(whole.state, 3);
      const expected = await storeParameters(whole.network);

      const first = setUp({ tricks });
      const { state } = await first.run(first.state, 2);
      const model = await storeParameters(first.network);
      const optimizer = await first.optimizer.store(state.optimizer);
      const average = await first.average.store(state.average as EmaState);
      const second = setUp({ tricks });
      loadParameters(second.network, model);
      const restored: State = {
        ...(JSON.parse(JSON.stringify({ epoch: state.epoch, scaler: state.scaler })) as State),
        optimizer: second.optimizer.restore(optimizer),
        average: second.average.restore(average),
      };
      await second.run(restored, 3);
      expect(await storeParameters(second.network)).toEqual(expected);
      dispose();
    });

    test('a run that dies in a validation goes on with it', async () => {
      const epochsOf = (events: TrainEvent[]) =>
        events.flatMap((event) =>
          event.kind === 'epoch' ? [{ ...event, seconds: 0, imagesPerSecond: 0, memory: undefined }] : [],
        );
      const whole: TrainEvent[] = [];
      const one = setUp();
      await one.run(one.state, 3, (event) => whole.push(event));

      const two = setUp();
      const before: TrainEvent[] = [];
      const after: TrainEvent[] = [];
      let { state } = two;
      const dying = two.run(state, 3, (event, now) => {
        before.push(event);
        if (event.kind === 'trained') state = now;
        if (event.kind === 'validation' && event.epoch === 1) throw new Error('died');
      });
      await expect(dying).rejects.toThrow('died');
      expect(state.unvalidated?.train).toEqual(epochsOf(whole)[1]?.train);
      await two.run(state, 3, (event) => after.push(event));
      expect(after[1]).toMatchObject({ kind: 'validation', epoch: 1 });
      expect(epochsOf([...before, ...after])).toEqual(epochsOf(whole));
    });

    test('stopped during a validation, it finishes the validation and keeps the epoch', async () => {
      const { state, run } = setUp();
      const controller = new AbortController();
      const events: TrainEvent[] = [];
      const { state: end, stopped } = await run(
        state,
        3,
        (event) => {
          events.push(event);
          if (event.kind === 'validation') controller.abort();
        },
        controller.signal,
      );
      expect([stopped, end.epoch, end.optimizer.step]).toEqual([true, 1, stepsPerEpoch]);
      const validated = events
        .filter(({ kind }) => kind === 'validation')
        .map((event) => 'examples' in event && event.examples);
      expect(Math.max(...validated.map(Number))).toBe(stepsPerEpoch * perBatch);
      expect(events.map(({ kind }) => kind).slice(-2)).toEqual(['epoch', 'stopped']);
    });

    test('an epoch of another length than the schedule was told is an error', async () => {
      const { state, run } = setUp({ accumulate: 2 });
      const { network, optimizer } = setUp();
      await expect(
        train({
          network,
          optimizer,
          batches: (e) => batchesOf(e),
          stepsPerEpoch: 99,
          epochs: 1,
          state: { epoch: 0, optimizer: optimizer.init() },
          seed: 0,
        }),
      ).rejects.toThrow('epoch 0 had 4 steps, stepsPerEpoch says 99');
      await run(state, 1);
    });

    test('a loss that is no number stops the run, naming step, rate and scale', async () => {
      const { network, state, run } = setUp({ epochs: 1 });
      const [first] = network.parameters;
      tf.tidy(() => first?.variable.assign(tf.fill(first.shape, NaN)));
      const stopped = run({ ...state, scaler: { scale: 2 ** -14, goodSteps: 0 } }, 1);
      await expect(stopped).rejects.toThrow(NonFiniteLossError);
      await expect(stopped).rejects.toThrow(/the loss is NaN at step 0 \(learning rate 0\.025, loss scale 0\.0000610/);
    });
  },
  ['wasm', 'onednn'],
);

test('the advice of a loss that is no number fits the loss scale: one that is no more than 1 is no culprit', () => {
  const message = (scale: number) => new NonFiniteLossError(7, 0.5, 0.1, scale).message;
  expect(message(128)).toBe(
    'a gradient is not finite at step 7 (learning rate 0.1, loss scale 128); lower the loss scale or the learning rate, or warm up longer',
  );
  for (const scale of [1, 2 ** -14]) expect(message(scale)).toMatch(/\); lower the learning rate or warm up longer$/);
});

/** A network without BatchNorm, whose gradient is the mean over the examples whatever the batches. */
function linear() {
  const variable = tf.tidy(() => tf.variable(tf.randomNormal([size * size * 3, 2], 0, 0.1, 'float32', 1)));
  const shape = [size * size * 3, 2];
  return {
    parameters: [{ name: 'w', role: 'weight' as const, shape, variable }],
    apply: (images: tf.Tensor4D) =>
      tf.tidy(() =>
        tf.matMul<tf.Tensor2D>(
          tf.reshape<tf.Rank.R2>(images, [images.shape[0], -1]),
          variable as unknown as tf.Tensor2D,
        ),
      ),
    dispose: () => variable.dispose(),
  };
}

describeOnBackends('on either backend', () => {
  test('accumulated gradients are those of one large batch, microbatches of unequal size too', async () => {
    const [whole] = batchesOf(0) as [Batch];
    const part = (from: number, to: number): Batch => ({
      images: whole.images.slice(from * size * size * 3, to * size * size * 3),
      labels: whole.labels.slice(from, to),
      shape: [to - from, size, size, 3],
    });
    const weightsAfter = async (microbatches: Batch[]) => {
      const network = linear();
      const optimizer = sgd({ parameters: trainable(network), rate: 0.5, momentum: 0.9 });
      const { state } = await train({
        network,
        batches: () => microbatches,
        stepsPerEpoch: 1,
        accumulate: microbatches.length,
        epochs: 1,
        optimizer,
        state: { epoch: 0, optimizer: optimizer.init() },
        seed: 0,
      });
      const { w } = await storeParameters(network);
      optimizer.dispose(state.optimizer);
      network.dispose();
      return w?.values as Float32Array;
    };
    const expected = await weightsAfter([whole]);
    expectAllClose(await weightsAfter([part(0, 1), part(1, 4)]), expected, { absolute: 1e-6 });
  });

  test('a residual network with every trick trains', async () => {
    const { tricks, dispose } = everyTrick();
    const { network, state, run } = setUp({ tricks, epochs: 1 });
    const before = await storeParameters(network);
    const { state: end } = await run(state, 1);
    expect(end.optimizer.step).toBe(stepsPerEpoch);
    for (const [name, { values }] of Object.entries(await storeParameters(network))) {
      expect(values.every(Number.isFinite), name).toBe(true);
      expect(values, name).not.toEqual(before[name]?.values);
    }
    dispose();
  });
});

describe('the objective as torch.nn.functional.cross_entropy has it for mixed, smoothed targets', () => {
  // Logits [[1, 2, 3], [0, 1, 0]], labels [2, 1], partners [1, 0]; torch 1.13, float64.
  test.each([
    [0.3, 0.1, 1.1928586725215489],
    [Float32Array.of(0.3, 0.8), 0, 0.9295253391882157],
  ])('λ = %j, ε = %d', async (lambda, smoothing, expected) => {
    await tf.setBackend('cpu');
    const z = tf.tensor2d([1, 2, 3, 0, 1, 0], [2, 3]);
    const [labels, partnerLabels] = [tf.tensor1d([2, 1], 'int32'), tf.tensor1d([1, 0], 'int32')];
    const loss = hardLoss(z, { labels, partnerLabels, lambda }, { smoothing, spread: 'all' });
    expectAllClose(await loss.data(), [expected], { absolute: 1e-6 });
    tf.dispose([z, labels, partnerLabels, loss]);
  });
});
