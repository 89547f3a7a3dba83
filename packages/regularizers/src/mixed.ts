import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Labels } from './labels.js';

/** A batch: images and labels, which stay the caller's. */
export interface LabelledImages {
  /** `[batch, height, width, channels]`, float32. */
  images: Tensor4D;
  /** `[batch]` int32, or `[batch, classes]` float32. */
  labels: Labels;
}

/** A mixed batch; every tensor is new and owned by the caller. */
export interface MixedBatch<L extends Labels = Labels> {
  /** λ·xᵢ + (1 − λ)·xⱼ, of the images' shape. */
  images: Tensor4D;
  /** y: the labels as they were. */
  labels: L;
  /** y': those of the partners. The loss is λ·ℓ(y) + (1 − λ)·ℓ(y'). */
  partnerLabels: L;
  /** λ: one number, or one per example. */
  lambda: number | Float32Array;
}

/** A mixed batch whose labels are mixed too. */
export interface SoftMixedBatch extends MixedBatch<Tensor2D> {
  /** λ·yᵢ + (1 − λ)·yⱼ, `[batch, classes]`, float32. */
  softLabels: Tensor2D;
}

export type IntegerBatch = LabelledImages & { labels: Tensor1D };
export type SoftBatch = LabelledImages & { labels: Tensor2D };
