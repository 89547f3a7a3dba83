import { distillationDivergence } from '@bag/distill';
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
  type TypedArray,
} from '@tensorflow/tfjs';
import type { Losses, Truth } from './metrics.js';
import { hardLoss, type Targets } from './objective.js';
import { readAndDispose } from './read-and-dispose.js';
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
  /** Means over all examples, unscaled. */
  losses: Losses;
  /** What the metrics of each microbatch go by. */
  predictions: Prediction[];
}

/** A microbatch as the network saw it: its logits, and what they should say. */
export interface Prediction {
  /** `[batch, classes]`, row-major. */
  logits: ArrayLike<number>;
  truth: Truth;
}

/** Forward and backward of one optimiser step: batch → mixing → network → loss → scale → gradients. */
export async function backward(options: BackwardOptions): Promise<Backward> {
  const { microbatches, tricks, onImages } = options;
  const statistics = new PendingStatistics();
  const total = microbatches.reduce((sum, { labels }) => sum + labels.length, 0);
  let gradients: NamedTensors | undefined;
  const losses: Losses = { loss: 0 };
  const predictions: Prediction[] = [];
  try {
    for (const [i, batch] of microbatches.entries()) {
      const share = batch.labels.length / total;
      const one = microbatch(options, { batch, i, share }, statistics, i === 0 ? onImages : undefined);
      gradients = gradients === undefined ? one.gradients : accumulate(gradients, one.gradients);
      const { prediction, loss, terms } = await read(one, tricks.mixing === undefined ? batch : undefined);
      predictions.push(prediction);
      losses.loss += loss / options.lossScale;
      if (terms !== undefined) {
        losses.hard = (losses.hard ?? 0) + share * terms.hard;
        losses.soft = (losses.soft ?? 0) + share * terms.soft;
      }
    }
  } catch (error) {
    statistics.discard();
    dispose(gradients ?? {});
    throw error;
  }
  return { gradients: gradients ?? {}, statistics, losses, predictions };
}

/**
 * Brings what a microbatch gives into JavaScript, all at once, and disposes it but for the gradients.
 * @param plain The batch, where nothing was mixed: its labels are known already.
 */
async function read(
  { logits, loss, terms, targets: { labels, partnerLabels, lambda } }: Microbatch,
  plain: Batch | undefined,
): Promise<{ prediction: Prediction; loss: number; terms: Record<keyof ObjectiveTerms, number> | undefined }> {
  const reads = [logits, loss, terms?.hard, terms?.soft, plain === undefined ? labels : undefined, partnerLabels];
  const values = Promise.all(reads.map(async (tensor) => tensor && (await readAndDispose<TypedArray>(tensor))));
  if (plain !== undefined) labels.dispose();
  const [z, [whole = NaN] = [], [hard = NaN] = [], [soft = NaN] = [], own, partner] = await values;
  const truth = {
    labels: own ?? plain?.labels ?? [],
    ...(partner && lambda !== undefined && { partnerLabels: partner, lambda }),
  };
  return { prediction: { logits: z ?? [], truth }, loss: whole, terms: terms && { hard, soft } };
}

/** What a microbatch gives; all tensors are owned by the caller. */
interface Microbatch {
  gradients: NamedTensors;
  loss: Scalar;
  terms: ObjectiveTerms | undefined;
  logits: Tensor2D;
  targets: Targets;
}

function microbatch(
  { network, tricks, lossScale, epoch, random }: BackwardOptions,
  { batch, i, share }: { batch: Batch; i: number; share: number },
  statistics: PendingStatistics,
  onImages: ((images: Tensor4D) => void) | undefined,
): Microbatch {
  const precision = tricks.precision ?? fullPrecision;
  const { images, targets } = mixed(batch, tricks, epoch, random('mixing', i));
  onImages?.(images);
  // Outside the tape: nothing of the teacher is saved for a backward pass that it does not have.
  const teacherLogits = tricks.distillation?.teacherLogits(images);
  const apply = { training: true, statistics, random: random('dropout', i) };
  let logits: Tensor2D | undefined;
  let terms: ObjectiveTerms | undefined;
  const loss = (): Scalar =>
    tidy(() => {
      logits = keep(precision.autocast(() => network.apply(images, apply)));
      const whole = objective(logits, teacherLogits, targets, tricks);
      if (whole.terms !== undefined) terms = { hard: keep(whole.terms.hard), soft: keep(whole.terms.soft) };
      return mul<Scalar>(whole.loss, share * lossScale);
    });
  try {
    const { value, gradients } = precision.step(() => valueAndGradients(loss, trainable(network)));
    return { gradients, loss: value, terms, logits: logits as unknown as Tensor2D, targets };
  } catch (error) {
    dispose([targets.labels, targets.partnerLabels ?? [], logits ?? [], Object.values(terms ?? {})].flat());
    throw error;
  } finally {
    dispose([images, teacherLogits ?? []].flat());
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

interface ObjectiveTerms {
  hard: Scalar;
  soft: Scalar;
}

/** The labels' loss, and the divergence from the teacher where there is one. */
function objective(
  logits: Tensor2D,
  teacherLogits: Tensor2D | undefined,
  targets: Targets,
  { smoothing = { epsilon: 0, spread: 'all' }, distillation }: Tricks,
): { loss: Scalar; terms?: ObjectiveTerms } {
  const hard = hardLoss(logits, targets, { smoothing: smoothing.epsilon, spread: smoothing.spread });
  if (distillation === undefined || teacherLogits === undefined) return { loss: hard };
  const { temperature, hardWeight, softWeight } = distillation;
  const soft = distillationDivergence({ studentLogits: logits, teacherLogits, temperature });
  return { loss: add(mul(hard, hardWeight), mul(soft, softWeight)), terms: { hard, soft } };
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
