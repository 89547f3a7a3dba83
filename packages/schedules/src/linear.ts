import { decay, type Schedule } from './schedule.js';

export interface LinearOptions {
  /** Rate at step 0. */
  from: number;
  /** Rate at step `steps` and after it. */
  to: number;
  /** T: steps from one to the other. */
  steps: number;
}

/**
 * A straight line: η(t) = a + (b − a)·t/T, and b from t = T on; a `from`, b `to`, T `steps`.
 *
 * For the warmup of the paper take `linearWarmup`, whose first update already has a rate above zero.
 *
 * @throws RangeError for a rate that is negative or not finite, or steps that are not an integer ≥ 0.
 * @example
 * linear({ from: 0.1, to: 0, steps: 10 })(5); // → 0.05
 */
export function linear(options: LinearOptions): Schedule {
  return decay('linear', options, (x) => 1 - x);
}
