import { lossScaler, type LossScalerState, policy } from '@bag/mixed-precision';
import { ema, type EmaState, sgd, type SgdState } from '@bag/optim';
import { createRandom } from '@bag/random';
import { cifarResnet } from '@bag/resnet-variants';
import { linearWarmup } from '@bag/schedules';
import { describeOnBackends } from '@bag/testing';
import '@bag/tfjs-wasm-training';
import * as tf from '@tensorflow/tfjs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { StepEvent, TrainEvent } from './events.js';
import { RunFolder } from './node.js';
import { loadParameters, storeParameters } from './parameters.js';
import { train, type TrainState } from './train.js';
import { type Batch, type Network, trainable } from './types.js';

type State = TrainState<SgdState, LossScalerState, EmaState>;

const batchesPerEpoch = 4;

/** Noise of two classes. The batches whose number in the run is listed have a pixel that is ∞. */
function batchesOf(epoch: number, spoiled: readonly number[] = []): Batch[] {
  return Array.from({ length: batchesPerEpoch }, (_, index) => {
    const random = createRandom({ seed: 5, purpose: 'images', epoch, index });
    const images = Float32Array.from({ length: 4 * 8 * 8 * 3 }, () => random() - 0.5);
    if (spoiled.includes(epoch * batchesPerEpoch + index)) images[7] = Infinity;
    return { images, labels: Int32Array.of(0, 1, 1, 0), shape: [4, 8, 8, 3] };
  });
}

const rate = linearWarmup({ peak: 0.1, steps: 12 });

interface SetUp {
  spoiled?: readonly number[];
  accumulate?: number;
}

/** A network with BatchNorm in fp16, momentum, weight averaging, and a loss scale that grows after three good steps. */
function setUp({ spoiled = [], accumulate = 1 }: SetUp = {}) {
  const network = cifarResnet(
    { depth: 8, variant: 'd', width: 4, classes: 2 },
    { random: createRandom({ seed: 1, purpose: 'weights' }) },
  );
  const optimizer = sgd({ parameters: trainable(network), rate, momentum: 0.9, nesterov: true, weightDecay: 1e-3 });
  const scaler = lossScaler({ init: 1024, growthInterval: 3 });
  const average = ema({ parameters: network.parameters, decay: 0.9 });
  const start: State = { epoch: 0, optimizer: optimizer.init(), scaler: scaler.init(), average: average.init() };
  const run = async (state: State, epochs: number, onEvent?: (event: TrainEvent, state: State) => Promise<void>) => {
    const steps: StepEvent[] = [];
    const { state: end } = await train({
      network,
      batches: (epoch) => batchesOf(epoch, spoiled),
      stepsPerEpoch: batchesPerEpoch / accumulate,
      validation: () => batchesOf(99),
      epochs,
      optimizer,
      scaler,
      average,
      state,
      accumulate,
      seed: 3,
      tricks: { precision: policy({ dtype: 'float16' }) },
      onEvent: async (event, now) => {
        if (event.kind === 'step') steps.push(event);
        await onEvent?.(event, now);
      },
    });
    return { end, steps };
  };
  /** All that a step may change but the loss scale and the schedule. */
  const everything = async (state: State) => ({
    parameters: await storeParameters(network),
    velocities: (await optimizer.store(state.optimizer)).velocities,
    average: await average.store(state.average as EmaState),
  });
  return { network, optimizer, scaler, average, start, run, everything };
}

/** Values as bits, so that NaN is NaN and −0 is not 0. */
function bits(value: unknown): unknown {
  if (value instanceof Float32Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, bits(inner)]));
}

describeOnBackends(
  'loss scale',
  () => {
    test.each([
      ['the scale is far too large', 1, 2 ** 40, []],
      ['the scale is far too large for two microbatches', 2, 2 ** 40, []],
      ['the last of two microbatches has an ∞', 2, 1024, [5, 7]],
    ])(
      'a skipped step changes nothing, bit for bit, and the schedule goes on: %s',
      async (_, accumulate, scale, spoiled) => {
        const { network, start, run, everything } = setUp({ accumulate, spoiled });
        const { end: good } = await run(start, 1);
        const before = await everything(good);
        expect(Object.keys(before.parameters)).toContain('bn1.running_mean');
        const tensors = tf.memory().numTensors;
        const seen: unknown[] = [];
        const { end, steps } = await run({ ...good, scaler: { scale, goodSteps: 0 } }, 2, async (event, state) => {
          if (event.kind !== 'step') return;
          seen.push(bits(await everything(state)));
          expect(tf.memory().numTensors).toBe(tensors);
        });

        const perEpoch = batchesPerEpoch / accumulate;
        const all = Array.from({ length: perEpoch }, (_, i) => i);
        expect(steps.map(({ skipped }) => skipped)).toEqual(all.map(() => true));
        expect(steps.map((step) => step.scale)).toEqual(all.map((i) => scale / 2 ** i));
        expect(steps.map((step) => step.rate)).toEqual(all.map((i) => rate(perEpoch + i)));
        expect(seen).toEqual(all.map(() => bits(before)));
        expect(bits(await everything(end))).toEqual(bits(before));
        expect([end.optimizer.step, end.scaler?.scale]).toEqual([2 * perEpoch, scale / 2 ** perEpoch]);

        // What it went on with is sound: the next epoch trains.
        const { end: after, steps: more } = await run({ ...end, scaler: { scale: 1024, goodSteps: 0 } }, 3);
        expect(more.map(({ skipped }) => skipped)).toEqual(all.map(() => false));
        for (const [name, { values }] of Object.entries((await everything(after)).parameters)) {
          expect(values.every(Number.isFinite), name).toBe(true);
          expect(values, name).not.toEqual(before.parameters[name]?.values);
        }
        network.dispose();
      },
    );

    test('a run that goes through a checkpoint on disk after each epoch has the scales of one that does not', async () => {
      const spoiled = [1, 8, 9];
      // By hand: ×½ after steps 1, 8 and 9; ×2 after three good ones, 2 to 4 and 5 to 7.
      const scales = [1024, 1024, 512, 512, 512, 1024, 1024, 1024, 2048, 1024, 512, 512];
      const whole = setUp({ spoiled });
      const { end, steps } = await whole.run(whole.start, 3);
      expect(steps.map(({ scale }) => scale)).toEqual(scales);
      expect(steps.filter(({ skipped }) => skipped).map(({ step }) => step)).toEqual(spoiled);
      expect(end.scaler).toEqual({ scale: 512, goodSteps: 2 });

      const path = await mkdtemp(join(tmpdir(), 'bag-loss-scale-'));
      const resumed: StepEvent[] = [];
      for (const epoch of [0, 1, 2]) {
        const part = setUp({ spoiled });
        const checkpoint = await new RunFolder(path).readCheckpoint();
        let from = part.start;
        if (checkpoint !== undefined) {
          const { model, optimizer, ema: averages = {}, step, state } = checkpoint;
          const { scaler, averageStep } = state as { scaler: LossScalerState; averageStep: number };
          loadParameters(part.network, model);
          from = {
            epoch: checkpoint.epoch,
            optimizer: part.optimizer.restore({ step, velocities: optimizer }),
            scaler,
            average: part.average.restore({ step: averageStep, averages }),
          };
        }
        const { end: at, steps: some } = await part.run(from, epoch + 1);
        const { parameters, velocities, average } = await part.everything(at);
        await new RunFolder(path).writeCheckpoint({
          step: at.optimizer.step,
          epoch: at.epoch,
          model: parameters,
          optimizer: velocities,
          ema: average.averages,
          state: { scaler: at.scaler, averageStep: average.step },
        });
        resumed.push(...some);
        if (epoch === 2) expect(bits(await part.everything(at))).toEqual(bits(await whole.everything(end)));
      }
      const told = (list: StepEvent[]) => list.map(({ step, scale, skipped, loss }) => [step, scale, skipped, loss]);
      expect(told(resumed)).toEqual(told(steps));
      await rm(path, { recursive: true });
    });

    test('whether all gradients are finite is asked once a step, of all of them', async () => {
      const { network, start, run } = setUp({ accumulate: 2 });
      const { kernels } = await tf.profile(async () => {
        await run(start, 1);
        return [];
      });
      const checks = kernels.filter(({ name }) => name === 'BagAllFinite').map(({ inputShapes }) => inputShapes.length);
      expect(checks).toEqual([trainable(network).length, trainable(network).length]);
    });

    // Gradients of 2048 and 1: the next number after 2048 in fp16 is 2050.
    test.each([
      ['two microbatches', 2, [[2048], [1]]],
      ['the examples of one batch', 1, [[2048, 1]]],
    ])('gradients are summed in fp32: over %s', async (_, accumulate, pixels) => {
      const variable = tf.tidy(() => tf.variable(tf.zeros([1, 2])));
      const network: Network = {
        parameters: [{ name: 'w', role: 'weight', shape: [1, 2], variable }],
        apply: (images) => tf.tidy(() => tf.matMul(tf.reshape<tf.Rank.R2>(images, [-1, 1]), variable as tf.Tensor2D)),
        dispose: () => variable.dispose(),
      };
      const optimizer = sgd({ parameters: trainable(network), rate: 1 });
      const batches = pixels.map((x): Batch => ({
        images: Float32Array.from(x),
        labels: new Int32Array(x.length),
        shape: [x.length, 1, 1, 1],
      }));
      await train({
        network,
        batches: () => batches,
        stepsPerEpoch: 1,
        accumulate,
        epochs: 1,
        optimizer,
        scaler: lossScaler(),
        // The gradient of each logit is ±½, its share in the mean ½: with this scale ±1.
        state: { epoch: 0, optimizer: optimizer.init(), scaler: { scale: 4, goodSteps: 0 } },
        tricks: { precision: policy({ dtype: 'float16' }) },
        seed: 0,
      });
      expect([...(await variable.data())]).toEqual([2049 / 4, -2049 / 4]);
      network.dispose();
    });
  },
  ['wasm', 'onednn'],
);
