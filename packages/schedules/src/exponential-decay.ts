import { guard, type Schedule } from './schedule.js';

export interface ExponentialDecayOptions {
  /** η: rate at step 0. */
  rate: number;
  /** What `every` steps multiply the rate by. */
  factor?: number;
  /** Steps per factor: `2 * stepsPerEpoch` for the paper's "every two epochs". */
  every: number;
  /** In stairs (true), or a little at every step. */
  staircase?: boolean;
}

/**
 * Exponential decay: η(t) = η·f^⌊t/s⌋, or η·f^(t/s) without stairs; η `rate`, f `factor`, s `every`.
 *
 * @throws RangeError for a bad rate or factor, or an `every` that is not an integer ≥ 1.
 * Source: Szegedy et al. 2016; He et al. 2018, section 5.1 (×0.94 every two epochs).
 * @example
 * exponentialDecay({ rate: 1, every: 10 })(25); // → 0.8836
 */
export function exponentialDecay({ rate, factor = 0.94, every, staircase = true }: ExponentialDecayOptions): Schedule {
  return guard(
    'exponentialDecay',
    (step) => rate * factor ** (staircase ? Math.floor(step / every) : step / every),
    { rate, factor },
    { every },
    1,
  );
}
