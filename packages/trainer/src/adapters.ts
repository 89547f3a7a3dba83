import { cutmix, mixup } from '@bag/regularizers';
import type { Mixing } from './tricks.js';

export interface MixupAdapterOptions {
  /** α of Beta(α, α). */
  alpha: number;
  per?: 'batch' | 'pair' | 'element';
  /** Epochs of the run. */
  epochs: number;
  /** The last so many epochs train on unmixed images, as the official code has it. */
  offEpochs?: number;
}

/**
 * Mixup as a step of the loop.
 *
 * @example
 * const tricks = { mixing: mixupAdapter({ alpha: 0.2, epochs: 120, offEpochs: 20 }) };
 */
export function mixupAdapter({ alpha, per = 'batch', epochs, offEpochs = 0 }: MixupAdapterOptions): Mixing {
  return ({ images, labels }, { epoch, random }) => {
    const mixed = mixup({ images, labels }, { alpha: epoch < epochs - offEpochs ? alpha : 0, per, random });
    return { images: mixed.images, targets: mixed };
  };
}

/**
 * CutMix as a step of the loop.
 *
 * @example
 * const tricks = { mixing: cutmixAdapter({ alpha: 1 }) };
 */
export function cutmixAdapter({ alpha }: { alpha: number }): Mixing {
  return ({ images, labels }, { random }) => {
    const mixed = cutmix({ images, labels }, { alpha, random });
    return { images: mixed.images, targets: mixed };
  };
}
