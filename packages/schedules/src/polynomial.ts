import { decay, type Schedule } from './schedule.js';

export interface PolynomialOptions {
  /** Rate at step 0. */
  from: number;
  /** Rate at step `steps` and after it. */
  to?: number;
  /** T: steps from one to the other. */
  steps: number;
  /** p: 1 is a straight line, 0.9 usual for segmentation, 2 falls fast at first. */
  power: number;
}

/**
 * Polynomial decay: η(t) = b + (a − b)(1 − t/T)^p, and exactly b from t = T on; a `from`, b `to`, T `steps`, p `power`.
 *
 * @throws RangeError for a bad rate or power, or steps that are not an integer ≥ 0.
 * @example
 * polynomial({ from: 1, steps: 10, power: 2 })(5); // → 0.25
 */
export function polynomial(options: PolynomialOptions): Schedule {
  const { power } = options;
  return decay('polynomial', options, (x) => (1 - x) ** power, { power });
}
