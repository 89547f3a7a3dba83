import type { Random } from '@bag/random';
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { Targets } from './objective.js';

/** Mixes examples of a batch: mixup, cutmix. Owns what it returns; leaves its inputs alone. */
export type Mixing = (
  batch: { images: Tensor4D; labels: Tensor1D },
  context: { epoch: number; random: Random },
) => { images: Tensor4D; targets: Targets };

/** Learning from a larger network. */
export interface Distillation {
  /** The teacher's logits `[batch, classes]` for the images as the student sees them; owned by the caller. */
  teacherLogits: (images: Tensor4D) => Tensor2D;
  /** T. */
  temperature: number;
  /** Weight of the labels' loss. */
  hardWeight: number;
  /** Weight of the teacher's loss, which carries T² besides. */
  softWeight: number;
}

/** The precision of a step: what `@bag/mixed-precision`'s policies do. */
export interface Precision {
  /** Runs a whole step, backward pass included. */
  step<T>(f: () => T): T;
  /** Runs the forward pass of the network. */
  autocast<T>(f: () => T): T;
}

/** The bag, as far as the loop must know of it. What is absent is off. */
export interface Tricks {
  smoothing?: { epsilon: number; spread: 'all' | 'others' };
  mixing?: Mixing;
  distillation?: Distillation;
  precision?: Precision;
}

/**
 * Full precision: runs things as they are.
 *
 * @example
 * const tricks = { precision: fullPrecision };
 */
export const fullPrecision: Precision = { step: (f) => f(), autocast: (f) => f() };
