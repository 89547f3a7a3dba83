import {
  add,
  expandDims,
  greaterEqual,
  less,
  logicalAnd,
  logSoftmax,
  mean,
  mul,
  neg,
  oneHot,
  type Scalar,
  softmax,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { checkLabels, checkLogits, checkTemperature } from './checks.js';
import { stopGradient } from './stop-gradient.js';

export interface DistillationLossOptions {
  /** z, `[batch, classes]`, float32: before the softmax. */
  studentLogits: Tensor2D;
  /** r, `[batch, classes]`, float32. No gradient flows into it. */
  teacherLogits: Tensor2D;
  /** y: class numbers `[batch]` (int32; one that is no class makes the loss NaN) or probabilities `[batch, classes]` (float32). */
  labels: Tensor1D | Tensor2D;
  /** T > 0. */
  temperature?: number;
  /** Weight of the labels' loss. */
  hardWeight?: number;
  /** Weight of the teacher's loss, which carries T² besides. */
  softWeight?: number;
}

/**
 * Knowledge distillation: h·ℓ(y, softmax(z)) + s·T²·ℓ(softmax(r/T), softmax(z/T)), mean over the batch; ℓ(p, q) =
 * −Σ pₖ log qₖ, h `hardWeight`, s `softWeight`, T `temperature`. T² keeps the soft gradient's size, which shrinks as
 * 1/T². The official code's weighting is `gluonWeights(w)`. The second term holds the teacher's entropy, a constant of
 * T²·H(softmax(r/T)); `distillationDivergence` is that term without it.
 *
 * @returns A scalar owned by the caller; finite for logits of ±1e4, differentiable in `studentLogits` only.
 * @throws Error where the class counts of teacher and student differ or labels have another shape; RangeError for a
 * temperature that is not positive or a negative weight.
 * Source: Hinton et al. 2015, section 2; He et al. 2018, section 5.3.
 * @example
 * const loss = distillationLoss({ studentLogits, teacherLogits, labels, temperature: 20 });
 */
export function distillationLoss({
  studentLogits,
  teacherLogits,
  labels,
  temperature = 20,
  hardWeight = 1,
  softWeight = 1,
}: DistillationLossOptions): Scalar {
  checkLogits('distillationLoss', studentLogits, teacherLogits);
  checkLabels('distillationLoss', studentLogits, labels);
  checkTemperature('distillationLoss', temperature);
  for (const [name, weight] of Object.entries({ hardWeight, softWeight })) {
    if (!(weight >= 0)) throw new RangeError(`distillationLoss: expected ${name} ≥ 0, got ${weight}`);
  }
  return tidy(() => {
    const parts: Tensor[] = [];
    if (hardWeight > 0) {
      const targets =
        labels.rank === 1 ? probabilities(labels as Tensor1D, studentLogits.shape[1]) : stopGradient(labels);
      parts.push(mul(crossEntropy(targets, studentLogits), hardWeight));
    }
    if (softWeight > 0) {
      const targets = softmax(mul(stopGradient(teacherLogits), 1 / temperature));
      const soft = crossEntropy(targets, mul(studentLogits, 1 / temperature));
      parts.push(mul(soft, softWeight * temperature * temperature));
    }
    const [first, second] = parts;
    // Without any part the loss is 0, and so is its gradient.
    if (first === undefined) return sum<Scalar>(zerosLike(studentLogits));
    return second === undefined ? (first as Scalar) : add<Scalar>(first, second);
  });
}

/**
 * The official code's weighting: w on the labels, (1 − w)·T² on the teacher.
 *
 * @throws RangeError for a w outside [0, 1].
 * Source: gluon-cv's `DistillationSoftmaxCrossEntropyLoss`.
 * @example
 * distillationLoss({ studentLogits, teacherLogits, labels, ...gluonWeights(0.5) });
 */
export function gluonWeights(w = 0.5): { hardWeight: number; softWeight: number } {
  if (!(w >= 0 && w <= 1)) throw new RangeError(`gluonWeights: expected w in [0, 1], got ${w}`);
  return { hardWeight: w, softWeight: 1 - w };
}

/** One-hot rows; NaN where the label is no class. */
function probabilities(labels: Tensor1D, classes: number): Tensor {
  const isClass = logicalAnd(greaterEqual(labels, 0), less(labels, classes));
  return add(oneHot(labels, classes), expandDims(where(isClass, 0, NaN), 1));
}

/** −Σ pₖ·log softmax(z)ₖ, mean over the batch. */
function crossEntropy(p: Tensor, z: Tensor): Tensor {
  return neg(mean(sum(mul(p, logSoftmax(z)), 1)));
}
