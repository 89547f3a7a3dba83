import { add, mul, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { asProbabilities, type Labels } from './labels.js';

export interface SmoothLabelsOptions {
  /** ε, 0 ≤ ε < 1; 0 changes nothing. */
  epsilon: number;
  /** K; needed for integer labels. */
  classes?: number;
  /** `'all'`: ε/K on every class; `'others'`: ε/(K − 1) on the classes that are not the label, the paper's form. */
  spread?: 'all' | 'others';
}

/**
 * Label smoothing: q = (1 − ε)·p + ε/K, or with `spread: 'others'` q = (1 − ε)·p + ε·(1 − p)/(K − 1); p the labels,
 * ε `epsilon`, K the number of classes. For a one-hot p the latter is 1 − ε on the label and ε/(K − 1) elsewhere.
 *
 * @param labels `[batch]` int32 (then pass `classes`), or `[batch, classes]` float32, one-hot, soft or mixed.
 * @returns `[batch, classes]`, float32, a new tensor owned by the caller; equal to p where ε = 0.
 * @throws RangeError for an ε outside [0, 1); Error for other shapes.
 * Source: Szegedy et al. 2016, section 7; He et al. 2018, section 5.2.
 * @example
 * smoothLabels(tf.tensor1d([2], 'int32'), { epsilon: 0.1, classes: 5 }); // [[0.02, 0.02, 0.92, 0.02, 0.02]]
 */
export function smoothLabels(labels: Labels, { epsilon, classes, spread = 'all' }: SmoothLabelsOptions): Tensor2D {
  if (!(epsilon >= 0 && epsilon < 1)) throw new RangeError(`smoothLabels: expected epsilon in [0, 1), got ${epsilon}`);
  return tidy(() => {
    const p = asProbabilities('smoothLabels', labels, classes);
    const [, k] = p.shape;
    if (epsilon === 0) return p.clone();
    if (spread === 'all') return add(mul(p, 1 - epsilon), epsilon / k);
    if (k < 2) throw new RangeError(`smoothLabels: spread 'others' needs at least 2 classes, got ${k}`);
    return add(mul(p, 1 - epsilon - epsilon / (k - 1)), epsilon / (k - 1));
  });
}
