import { type LossScaler, lossScaler, policy, staticLossScaler } from '@bag/mixed-precision';
import { ema, type Sgd, sgd } from '@bag/optim';
import type { Network } from '@bag/network';
import {
  constant,
  exponentialDecay,
  join,
  linearScaling,
  linearWarmup,
  type Schedule,
  stepDecay,
  warmupCosine,
} from '@bag/schedules';
import { cutmixAdapter, mixupAdapter, trainable, type Tricks } from '@bag/trainer';
import { parameterGroups } from './parameter-groups.js';
import type { Config } from './config/schema.js';
import { UsageError } from './errors.js';
import { precisionNote } from './precision/known.js';

/** The learning rate at the run's batch, before any schedule. */
export function peakRate({ learningRate, batch, accumulate }: Config): number {
  const { base, baseBatch, linearScaling: scaled } = learningRate;
  return scaled ? linearScaling({ baseRate: base, baseBatch, batch: batch * accumulate }) : base;
}

/** Epochs of warmup: as configured, or the paper's five of 120, of which a short run has a tenth. */
export function warmupOf({ learningRate, epochs }: Config): number {
  return learningRate.warmupEpochs ?? Math.min(5, epochs / 10);
}

/** The configured schedule over all optimiser steps. */
export function scheduleOf(config: Config, stepsPerEpoch: number): Schedule {
  const { schedule, boundaries } = config.learningRate;
  const warmupEpochs = warmupOf(config);
  const totalSteps = config.epochs * stepsPerEpoch;
  const peak = peakRate(config);
  const warmupSteps = Math.round(warmupEpochs * stepsPerEpoch);
  if (warmupSteps >= totalSteps) {
    throw new UsageError(
      `learningRate.warmupEpochs: ${warmupEpochs} of ${config.epochs} epochs leave nothing to train; shorten the warmup, with null to a tenth of the run`,
    );
  }
  if (schedule === 'cosine') return warmupCosine({ peak, warmupSteps, totalSteps });
  const steps = totalSteps - warmupSteps;
  const early = boundaries.find((share) => share * totalSteps <= warmupSteps);
  if (schedule === 'step' && early !== undefined) {
    throw new UsageError(
      `learningRate.boundaries: ${early} of the run lies in the warmup of ${warmupEpochs} epochs; warm up shorter or divide later`,
    );
  }
  const after = {
    constant: () => constant(peak),
    step: () =>
      stepDecay({ rate: peak, boundaries: boundaries.map((share) => Math.round(share * totalSteps) - warmupSteps) }),
    // The paper's ×0.94 every 2 of 120 epochs.
    exponential: () => exponentialDecay({ rate: peak, every: Math.max(1, Math.round(steps / 60)) }),
  }[schedule]();
  if (warmupSteps === 0) return after;
  return join([linearWarmup({ peak, steps: warmupSteps }), after], [warmupSteps]);
}

/** The optimiser over the network's parameters, in groups where biases are not decayed. */
export function optimizerOf(config: Config, network: Network, stepsPerEpoch: number): Sgd {
  return optimizerAt(config, network, scheduleOf(config, stepsPerEpoch));
}

/** The same with another schedule. */
export function optimizerAt(config: Config, network: Network, rate: Schedule): Sgd {
  const { momentum, nesterov } = config;
  return sgd({
    parameters: parameterGroups(config, trainable(network)),
    rate,
    momentum,
    nesterov: nesterov && momentum > 0,
  });
}

export function averageOf({ ema: { decay } }: Config, network: Network) {
  return decay === 0 ? undefined : ema({ parameters: network.parameters, decay });
}

/** Of fp16 alone: the others have float32's range, where gradients do not vanish. */
export function scalerOf({ precision, lossScale }: Config): LossScaler | undefined {
  if (precision !== 'fp16') return undefined;
  return lossScale === 'dynamic' ? lossScaler() : staticLossScaler(lossScale);
}

/** The learning rate, a line for each of its tricks. */
function rateNotes(config: Config): string[] {
  const { schedule, base, baseBatch, linearScaling: scaled } = config.learningRate;
  const images = config.batch * config.accumulate;
  const peak = Number(peakRate(config).toPrecision(4));
  const warmupEpochs = warmupOf(config);
  const scaling =
    images === baseBatch
      ? `warning: linear scaling changes nothing: the batch is baseBatch, ${baseBatch}`
      : `linear scaling: ${base} for ${baseBatch} images is ${peak} for ${images}`;
  return [
    `learning rate: ${peak}, ${schedule === 'constant' ? schedule : `${schedule} decay`}`,
    ...(scaled ? [scaling] : []),
    ...(warmupEpochs > 0 ? [`warmup: ${warmupEpochs} epoch${warmupEpochs === 1 ? '' : 's'}`] : []),
  ];
}

const mixedTop1 = 'training top-1 counts the share of the predicted class';

/** The tricks that act in the loop, and a line for each trick that is on. */
export function tricksOf(
  config: Config,
  network: Network,
  teacher: Network | undefined,
): { tricks: Tricks; notes: string[] } {
  const { labelSmoothing, mixup, cutmix, distillation, lossScale, epochs } = config;
  if (mixup.alpha > 0 && cutmix.alpha > 0) {
    throw new UsageError('mixup.alpha and cutmix.alpha are both on; set one of them to 0');
  }
  const tricks: Tricks = { precision: policy({ dtype: config.precision }) };
  const notes: string[] = [];
  notes.push(...rateNotes(config));
  if (config.noBiasDecay) {
    const all = trainable(network);
    const undecayed = parameterGroups({ ...config, weightDecay: 1, rateScale: {} }, all).filter(
      ({ weightDecay }) => weightDecay === 0,
    );
    const count = undecayed.reduce((sum, { parameters }) => sum + parameters.length, 0);
    notes.push(`no bias decay: ${count} of ${all.length} tensors`);
  }
  for (const [pattern, scale] of Object.entries(config.rateScale)) notes.push(`rate of ${pattern}: × ${scale}`);
  if (labelSmoothing > 0) {
    tricks.smoothing = { epsilon: labelSmoothing, spread: 'all' };
    notes.push(`label smoothing: ε = ${labelSmoothing}`);
  }
  if (mixup.alpha > 0) {
    tricks.mixing = mixupAdapter({ ...mixup, epochs });
    const off = mixup.offEpochs > 0 ? `, the last ${mixup.offEpochs} epochs without` : '';
    notes.push(`mixup: α = ${mixup.alpha} per ${mixup.per}${off}; ${mixedTop1}`);
    if (mixup.offEpochs >= epochs) notes.push('warning: mixup finds no epoch to act on; lower mixup.offEpochs');
  }
  if (cutmix.alpha > 0) {
    tricks.mixing = cutmixAdapter(cutmix);
    notes.push(`cutmix: α = ${cutmix.alpha}; ${mixedTop1}`);
  }
  if (teacher !== undefined) {
    const { temperature, hardWeight, softWeight } = distillation;
    tricks.distillation = { teacherLogits: (images) => teacher.apply(images), temperature, hardWeight, softWeight };
    notes.push(`distillation: T = ${temperature}, from ${distillation.teacher ?? ''}`);
  }
  notes.push(precisionNote(config));
  const scaler = scalerOf(config);
  if (scaler !== undefined) {
    const dynamic = `dynamic, from ${scaler.init().scale}`;
    notes.push(`loss scale: ${lossScale === 'dynamic' ? dynamic : lossScale}${lossScale === 1 ? ', off' : ''}`);
  } else if (lossScale !== 'dynamic') {
    notes.push('warning: lossScale acts on fp16 only; set precision to fp16, or leave it out');
  }
  return { tricks, notes };
}
