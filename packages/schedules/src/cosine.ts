import { decay, type Schedule } from './schedule.js';

export interface CosineOptions {
  /** η: rate at step 0. */
  from: number;
  /** Rate at step `steps` and after it. */
  to?: number;
  /** T: steps from one to the other. */
  steps: number;
}

/** ½(1 + cos πx): 1 at x = 0, 0 at x = 1. */
export function cosineWeight(x: number): number {
  return (1 + Math.cos(Math.PI * x)) / 2;
}

/**
 * Cosine decay: η(t) = b + ½(a − b)(1 + cos(πt/T)), and exactly b from t = T on; a `from`, b `to`, T `steps`.
 *
 * @throws RangeError for a rate that is negative or not finite, or steps that are not an integer ≥ 0.
 * Source: Loshchilov and Hutter 2017; He et al. 2018, section 5.1.
 * @example
 * cosine({ from: 0.4, steps: 100 })(50); // → 0.2
 */
export function cosine(options: CosineOptions): Schedule {
  return decay('cosine', options, cosineWeight);
}
