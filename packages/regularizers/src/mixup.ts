import {
  add,
  mul,
  reverse,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { symmetricBeta } from './beta.js';
import { asProbabilities, checkLabels, isInteger, type Labels } from './labels.js';
import { mixLabels } from './mix-labels.js';
import type { IntegerBatch, LabelledImages, MixedBatch, SoftBatch, SoftMixedBatch } from './mixed.js';

export interface MixupOptions {
  /** α of Beta(α, α); 0 turns mixing off. */
  alpha?: number;
  /** One λ for the batch (as the official code), for each pair of partners, or for each example. */
  per?: 'batch' | 'pair' | 'element';
  /** Uniform numbers in [0, 1). */
  random: () => number;
  /** Given for integer labels, mixed `softLabels` come out too. */
  classes?: number;
  /** λ in [0, 1] for the whole batch, instead of a draw: to repeat a mixture, or to schedule one. */
  lambda?: number;
}

/**
 * Mixup: x̂ = λ·xᵢ + (1 − λ)·xⱼ with λ ~ Beta(α, α); the partner j of example i is the one at the same place of the
 * reversed batch. Any batch size: the middle of an odd batch is its own partner.
 *
 * Integer labels stay integers, with no one-hot built: the loss λ·ℓ(y) + (1 − λ)·ℓ(y') equals that of mixed one-hots,
 * because cross-entropy is linear in the labels. For soft labels, or with `classes`, `softLabels` holds the mixture.
 *
 * @returns New tensors, owned by the caller. With α = 0 (λ = 1) exactly the images and labels that came in.
 * @throws RangeError for a negative α or a λ outside [0, 1]; Error for labels of another shape.
 * Source: Zhang et al. 2017; He et al. 2018, section 5.4; the reversed batch is the official code's.
 * @example
 * const mixed = mixup({ images, labels }, { alpha: 0.2, random });
 */
export function mixup(batch: IntegerBatch, options: MixupOptions & { classes?: undefined }): MixedBatch<Tensor1D>;
export function mixup(batch: SoftBatch, options: MixupOptions): SoftMixedBatch;
export function mixup(batch: IntegerBatch, options: MixupOptions & { classes: number }): SoftMixedBatch;
export function mixup(
  { images, labels }: LabelledImages,
  { alpha = 0.2, per = 'batch', random, classes, lambda: given }: MixupOptions,
): MixedBatch | SoftMixedBatch {
  checkBatch('mixup', images, labels);
  checkAlpha('mixup', alpha);
  const [batch] = images.shape;
  if (given !== undefined && !(given >= 0 && given <= 1)) {
    throw new RangeError(`mixup: expected lambda in [0, 1], got ${given}`);
  }
  if (!['batch', 'pair', 'element'].includes(per)) {
    throw new RangeError(`mixup: expected per 'batch', 'pair' or 'element', got ${JSON.stringify(per)}`);
  }
  const lambda = given ?? lambdas(batch, alpha, per, random);
  // The labels first: they are what may be refused.
  const targets = mixedLabels('mixup', labels, lambda, classes);
  const mixed = tidy(() => (lambda === 1 ? images.clone() : mixImages(images, reverse(images, 0), lambda)));
  return { images: mixed, lambda, ...targets };
}

export function checkAlpha(name: string, alpha: number): void {
  if (!(alpha >= 0 && alpha < Infinity)) {
    throw new RangeError(`${name}: expected alpha ≥ 0 and finite, got ${alpha}; 0 turns mixing off`);
  }
}

export function checkBatch(name: string, images: Tensor4D, labels: Labels): void {
  checkLabels(name, labels);
  const [batch] = (labels as Tensor).shape;
  if (images.rank !== 4 || images.shape[0] !== batch) {
    throw new Error(
      `${name}: expected images of shape [${batch ?? ''}, height, width, channels] for ${batch ?? ''} labels, got [${images.shape.join(', ')}]`,
    );
  }
}

function lambdas(
  batch: number,
  alpha: number,
  per: 'batch' | 'pair' | 'element',
  random: () => number,
): number | Float32Array {
  if (alpha === 0) return 1;
  if (per === 'batch') return symmetricBeta(alpha, random);
  const values = new Float32Array(batch);
  const drawn = per === 'pair' ? Math.ceil(batch / 2) : batch;
  for (let i = 0; i < drawn; i++) {
    values[i] = symmetricBeta(alpha, random);
    if (per === 'pair') values[batch - 1 - i] = values[i] as number;
  }
  return values;
}

function mixImages(a: Tensor4D, b: Tensor4D, lambda: number | Float32Array): Tensor4D {
  if (typeof lambda === 'number') return add(mul(a, lambda), mul(b, 1 - lambda));
  const share = tensor4d(lambda, [lambda.length, 1, 1, 1]);
  return add(mul(a, share), mul(b, sub(1, share)));
}

/** Labels, those of the partners in the reversed batch, and their mixture where it can be had. */
export function mixedLabels(
  name: string,
  labels: Labels,
  lambda: number | Float32Array,
  classes: number | undefined,
): { labels: Labels; partnerLabels: Labels; softLabels?: Tensor2D } {
  const integer = isInteger(labels);
  const own = tidy(() =>
    integer && classes === undefined ? labels.clone() : asProbabilities(name, labels, classes).clone(),
  );
  const partnerLabels = tidy(() => reverse(own as Tensor2D, 0)) as Labels;
  if (integer && classes === undefined) return { labels: own, partnerLabels };
  const softLabels = tidy(() =>
    lambda === 1 ? (own as Tensor2D).clone() : mixLabels(own as Tensor2D, partnerLabels as Tensor2D, lambda),
  );
  return { labels: own, partnerLabels, softLabels };
}
