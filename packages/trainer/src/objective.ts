import { crossEntropy } from '@bag/ops';
import {
  add,
  mean,
  mul,
  scalar,
  type Scalar,
  sub,
  tensor1d,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs';

/** What a batch is to be recognised as. */
export interface Targets {
  /** `[batch]`, int32. */
  labels: Tensor1D;
  /** The labels of the partners that were mixed in, `[batch]`, int32. */
  partnerLabels?: Tensor1D;
  /** λ: the share of `labels`, one for the batch or one per example. */
  lambda?: number | Float32Array;
}

export interface HardLossOptions {
  /** ε of label smoothing. */
  smoothing: number;
  /** Where ε goes: on every class, or on the others only. */
  spread: 'all' | 'others';
}

/**
 * The loss against the labels: mean over the batch of λ·CE(z, y) + (1 − λ)·CE(z, y'), which is CE(z, λ·y + (1 − λ)·y')
 * without a one-hot. Smoothing is part of CE.
 * @example
 * const loss = hardLoss(logits, { labels }, { smoothing: 0.1, spread: 'all' });
 */
export function hardLoss(logits: Tensor2D, targets: Targets, { smoothing, spread }: HardLossOptions): Scalar {
  return tidy(() => {
    const loss = (labels: Tensor1D) => crossEntropy({ logits, labels, smoothing, spread });
    const own = loss(targets.labels);
    const { partnerLabels, lambda } = targets;
    if (partnerLabels === undefined || lambda === undefined) return mean<Scalar>(own);
    const partner = loss(partnerLabels);
    const share = typeof lambda === 'number' ? scalar(lambda) : tensor1d(lambda);
    const mixed = add(mul(own, share), mul(partner, sub(1, share)));
    return mean<Scalar>(mixed);
  });
}
