import { batches, centerCrop, cifarNormalization, padCropFlip, type Split, syntheticDataset } from '@bag/data';
import { lossScaler, policy } from '@bag/mixed-precision';
import { sgd } from '@bag/optim';
import { createRandom } from '@bag/random';
import { noBiasDecay } from '@bag/regularizers';
import { cifarResnet } from '@bag/resnet-variants';
import { linearScaling, warmupCosine } from '@bag/schedules';
import { evaluate, mixupAdapter, train, trainable, type TrainEvent } from '@bag/trainer';
import { someClasses } from './some-classes.js';

/** What the run is: small enough for TensorFlow.js' plain cpu backend, or a GPU that is none, to do it in a minute. */
export const plan = {
  classes: ['disc', 'stripes'],
  /** Height and width, in pixels. */
  imageSize: 12,
  width: 4,
  batch: 16,
  epochs: 4,
  stepsPerEpoch: 25,
  validationImages: 200,
} as const;

/** Classes that the embedded data set draws, of which the plan takes some. */
const drawnClasses = 20;

/** Optimiser steps of a run. */
export const totalSteps = plan.epochs * plan.stepsPerEpoch;

/** How images become what the network takes; a page that shows them turns it round. */
export const normalization = cifarNormalization;

export interface BagRunOptions {
  /** Images, labels, weights, order, crops and mixing all come from it. */
  seed?: number;
  /** 32 bits unless told otherwise: no engine of a browser computes in less, and emulation only takes time. */
  precision?: 'fp32' | 'bf16' | 'fp16';
  /** Hears everything; awaited, so a page can draw before the next step. */
  onEvent?: (event: TrainEvent) => void | Promise<void>;
  /** Stops before the next step. */
  signal?: AbortSignal;
}

export interface BagRunResult {
  /** Of each step, as trained: smoothed and mixed. */
  losses: number[];
  /** Top-1 on images that were not trained on, in [0, 1]; absent where the signal stopped the run. */
  accuracy?: number;
}

/**
 * Trains ResNet-8-D with the whole bag on the embedded data set, on the current backend: linear scaling, warmup and cosine
 * decay, zero γ, no bias decay, label smoothing, mixup, Nesterov momentum, and loss scaling in fp16. Distillation is left
 * out, which needs a teacher that was trained before.
 *
 * @returns Every step's loss and the accuracy at the end. Nothing stays alive on the backend.
 * @throws NonFiniteLossError where the engine's numbers go astray.
 * @example
 * const { losses, accuracy } = await bagRun({ seed: 0 });
 */
export async function bagRun({
  seed = 0,
  precision = 'fp32',
  onEvent,
  signal,
}: BagRunOptions = {}): Promise<BagRunResult> {
  const { classes, imageSize, width, batch, epochs, stepsPerEpoch, validationImages } = plan;
  const drawn = (split: Split, images: number) => {
    const size = (images / classes.length) * drawnClasses;
    return someClasses(syntheticDataset({ classes: drawnClasses, size, imageSize, seed, split }), classes);
  };
  const training = drawn('train', batch * stepsPerEpoch);
  const validation = drawn('validation', validationImages);

  const random = createRandom({ seed, purpose: 'weights' });
  const network = cifarResnet({ depth: 8, variant: 'd', width, classes: classes.length, zeroGamma: true }, { random });
  const base = { rate: 0.05, batch: 8 };
  const peak = linearScaling({ baseRate: base.rate, baseBatch: base.batch, batch });
  const warmupSteps = totalSteps / 10;
  const parameters = noBiasDecay(trainable(network), { weightDecay: 1e-4 });
  const optimizer = sgd({
    parameters,
    rate: warmupCosine({ peak, warmupSteps, totalSteps }),
    momentum: 0.9,
    nesterov: true,
  });
  const undecayed = parameters
    .filter(({ weightDecay }) => weightDecay === 0)
    .flatMap((group) => group.parameters).length;
  const scaler = precision === 'fp16' ? lossScaler() : undefined;

  const losses: number[] = [];
  try {
    const { state, stopped } = await train({
      network,
      batches: (epoch) =>
        batches({
          dataset: training,
          batchSize: batch,
          transform: padCropFlip({ size: imageSize, padding: 2 }),
          normalization,
          seed,
          epoch,
          shuffle: true,
        }),
      stepsPerEpoch,
      epochs,
      optimizer,
      scaler,
      state: { epoch: 0, optimizer: optimizer.init(), ...(scaler && { scaler: scaler.init() }) },
      tricks: {
        smoothing: { epsilon: 0.1, spread: 'all' },
        mixing: mixupAdapter({ alpha: 0.2, epochs }),
        precision: policy({ dtype: precision }),
      },
      seed,
      notes: [
        `learning rate: ${peak}, cosine decay`,
        `linear scaling: ${base.rate} for ${base.batch} images is ${peak} for ${batch}`,
        `warmup: ${warmupSteps} steps`,
        ...network.notes,
        `no bias decay: ${undecayed} of ${trainable(network).length} tensors`,
        'label smoothing: ε = 0.1',
        'mixup: α = 0.2',
        `precision: ${precision}`,
      ],
      onEvent: async (event) => {
        if (event.kind === 'step') losses.push(event.loss);
        await onEvent?.(event);
      },
      signal,
    });
    optimizer.dispose(state.optimizer);
    if (stopped) return { losses };
    const transform = centerCrop({ size: imageSize, resize: imageSize });
    const unseen = batches({ dataset: validation, batchSize: 50, transform, normalization, seed });
    const { top1 } = await evaluate(network, unseen);
    return { losses, accuracy: top1 };
  } finally {
    network.dispose();
  }
}
