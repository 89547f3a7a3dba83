import { distillationLoss } from '@bag/distill';
import { PendingStatistics, valueAndGradients } from '@bag/ops';
import type { Random } from '@bag/random';
import {
  add,
  dispose,
  keep,
  mul,
  type Scalar,
  tensor1d,
  tensor4d,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs';
import { hardLoss, type Targets } from './objective.js';
import { fullPrecision, type Tricks } from './tricks.js';
import { type Batch, type NamedTensors, type Network, trainable } from './types.js';

export interface BackwardOptions {
  network: Network;
  tricks: Tricks;
  /** The microbatches of one step; their gradients add up to that of one large batch. */
  microbatches: readonly Batch[];
  /** Multiplies the loss before the backward pass. */
  lossScale: number;
  epoch: number;
  /** A stream for each purpose and microbatch. */
  random: (purpose: 'mixing' | 'dropout', microbatch: number) => Random;
  /** Sees the images of the first microbatch as the network does. */
  onImages?: (images: Tensor4D) => void;
}

export interface Backward {
  /** Of the scaled loss, by parameter; owned by the caller. */
  gradients: NamedTensors;
  /** Running statistics to commit if the step is good. */
  statistics: PendingStatistics;
  /** Mean loss over all examples, unscaled. */
  loss: number;
  /** Logits of each microbatch, for the metrics. */
  logits: Float32Array[];
}

/** Forward and backward of one optimiser step: batch → mixing → network → loss → scale → gradients. */
export async function backward(options: BackwardOptions): Promise<Backward> {
  const { microbatches, onImages } = options;
  const statistics = new PendingStatistics();
  const total = microbatches.reduce((sum, { labels }) => sum + labels.length, 0);
  let gradients: NamedTensors | undefined;
  let loss = 0;
  const logits: Float32Array[] = [];
  try {
    for (const [i, batch] of microbatches.entries()) {
      const share = batch.labels.length / total;
      const one = microbatch(options, { batch, i, share }, statistics, i === 0 ? onImages : undefined);
      gradients = gradients === undefined ? one.gradients : accumulate(gradients, one.gradients);
      logits.push((await one.logits.data()) as Float32Array);
      loss += (await one.loss.data())[0] as number;
      dispose([one.logits, one.loss]);
    }
  } catch (error) {
    statistics.discard();
    dispose(gradients ?? {});
    throw error;
  }
  return { gradients: gradients ?? {}, statistics, loss: loss / options.lossScale, logits };
}

function microbatch(
  { network, tricks, lossScale, epoch, random }: BackwardOptions,
  { batch, i, share }: { batch: Batch; i: number; share: number },
  statistics: PendingStatistics,
  onImages: ((images: Tensor4D) => void) | undefined,
): { gradients: NamedTensors; loss: Scalar; logits: Tensor2D } {
  const precision = tricks.precision ?? fullPrecision;
  const { images, targets } = mixed(batch, tricks, epoch, random('mixing', i));
  onImages?.(images);
  // Outside the tape: nothing of the teacher is saved for a backward pass that it does not have.
  const teacherLogits = tricks.distillation?.teacherLogits(images);
  const apply = { training: true, statistics, random: random('dropout', i) };
  let logits: Tensor2D | undefined;
  const loss = (): Scalar =>
    tidy(() => {
      logits = keep(precision.autocast(() => network.apply(images, apply)));
      return mul<Scalar>(objective(logits, teacherLogits, targets, tricks), share * lossScale);
    });
  try {
    const { value, gradients } = precision.step(() => valueAndGradients(loss, trainable(network)));
    return { gradients, loss: value, logits: logits as unknown as Tensor2D };
  } finally {
    dispose([images, targets.labels, targets.partnerLabels ?? [], teacherLogits ?? []].flat());
  }
}

function mixed(
  batch: Batch,
  { mixing }: Tricks,
  epoch: number,
  random: Random,
): { images: Tensor4D; targets: Targets } {
  const images = tensor4d(batch.images, [...batch.shape]);
  const labels = tensor1d(batch.labels, 'int32');
  if (mixing === undefined) return { images, targets: { labels } };
  const result = mixing({ images, labels }, { epoch, random });
  dispose([images, labels]);
  return result;
}

/** The labels' loss, and the teacher's where there is one. */
function objective(
  logits: Tensor2D,
  teacherLogits: Tensor2D | undefined,
  targets: Targets,
  { smoothing = { epsilon: 0, spread: 'all' }, distillation }: Tricks,
): Scalar {
  const hard = hardLoss(logits, targets, { smoothing: smoothing.epsilon, spread: smoothing.spread });
  if (distillation === undefined || teacherLogits === undefined) return hard;
  const { temperature, hardWeight, softWeight } = distillation;
  const soft = distillationLoss({
    studentLogits: logits,
    teacherLogits,
    labels: targets.labels,
    temperature,
    hardWeight: 0,
    softWeight,
  });
  return add(mul(hard, hardWeight), soft);
}

function accumulate(sum: NamedTensors, next: NamedTensors): NamedTensors {
  const result: NamedTensors = {};
  for (const [name, gradient] of Object.entries(next)) {
    const before = sum[name];
    result[name] = before === undefined ? gradient : add(before, gradient);
    if (before !== undefined) dispose([before, gradient]);
  }
  return result;
}
