import { reverse, tensor4d, tidy, type Tensor1D, where } from '@tensorflow/tfjs-core';
import { symmetricBeta } from './beta.js';
import type { IntegerBatch, LabelledImages, MixedBatch, SoftBatch, SoftMixedBatch } from './mixed.js';
import { checkAlpha, checkBatch, mixedLabels } from './mixup.js';

export interface CutmixOptions {
  /** α of Beta(α, α); 0 turns mixing off. */
  alpha?: number;
  /** Uniform numbers in [0, 1). */
  random: () => number;
  /** Given for integer labels, mixed `softLabels` come out too. */
  classes?: number;
}

/**
 * CutMix: a box of the partner's image replaces one's own. λ ~ Beta(α, α); the box has the share 1 − λ of the area and
 * its centre anywhere, so it may be clipped at the edge; the λ that comes back is the share of pixels that are truly
 * one's own. The partner is the one at the same place of the reversed batch.
 *
 * @returns New tensors, owned by the caller, as `mixup`'s. With α = 0 (λ = 1) exactly the images and labels that came in.
 * @throws RangeError for a negative α; Error for labels of another shape.
 * Source: Yun et al. 2019, algorithm A1.
 * @example
 * const mixed = cutmix({ images, labels }, { alpha: 1, random });
 */
export function cutmix(batch: IntegerBatch, options: CutmixOptions & { classes?: undefined }): MixedBatch<Tensor1D>;
export function cutmix(batch: SoftBatch, options: CutmixOptions): SoftMixedBatch;
export function cutmix(batch: IntegerBatch, options: CutmixOptions & { classes: number }): SoftMixedBatch;
export function cutmix(
  { images, labels }: LabelledImages,
  { alpha = 1, random, classes }: CutmixOptions,
): MixedBatch | SoftMixedBatch {
  checkBatch('cutmix', images, labels);
  checkAlpha('cutmix', alpha);
  if (alpha === 0) {
    return { lambda: 1, ...mixedLabels('cutmix', labels, 1, classes), images: images.clone() };
  }
  const [, height, width] = images.shape;
  const cut = Math.sqrt(1 - symmetricBeta(alpha, random));
  const [top, bottom] = span(height, cut, random);
  const [left, right] = span(width, cut, random);
  const lambda = 1 - ((bottom - top) * (right - left)) / (height * width);
  const inside = Uint8Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return Number(y >= top && y < bottom && x >= left && x < right);
  });
  // The labels first: they are what may be refused.
  const targets = mixedLabels('cutmix', labels, lambda, classes);
  const mixed = tidy(() => where(tensor4d(inside, [1, height, width, 1], 'bool'), reverse(images, 0), images));
  return { images: mixed, lambda, ...targets };
}

/** Start and end of the box along an axis, clipped. */
function span(size: number, share: number, random: () => number): [number, number] {
  const center = Math.floor(random() * size);
  const half = Math.floor((size * share) / 2);
  return [Math.max(0, center - half), Math.min(size, center + half)];
}
