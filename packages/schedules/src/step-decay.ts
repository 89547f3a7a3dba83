import { check } from './check.js';
import { constant } from './constant.js';
import { join } from './join.js';
import type { Schedule } from './schedule.js';

export interface StepDecayOptions {
  /** η: rate before the first boundary. */
  rate: number;
  /** Steps from which on the rate is lower, in ascending order: `[30, 60, 90].map((epochs) => epochs * stepsPerEpoch)`. */
  boundaries: readonly number[];
  /** What each boundary multiplies the rate by. */
  factor?: number;
}

/**
 * Step decay: η(t) = η·f^k with k the number of boundaries ≤ t; η `rate`, f `factor`. The update at a boundary is the
 * first with the lower rate, as in PyTorch's MultiStepLR.
 *
 * @throws RangeError for a bad rate or factor, or boundaries that are not integers in ascending order.
 * Source: He et al. 2018, section 2.1 (÷10 at epochs 30, 60 and 90).
 * @example
 * stepDecay({ rate: 0.1, boundaries: [30, 60, 90] })(30); // → 0.01
 */
export function stepDecay({ rate, boundaries, factor = 0.1 }: StepDecayOptions): Schedule {
  check('stepDecay', { rate, factor });
  return join(
    [0, ...boundaries].map((_, k) => constant(rate * factor ** k)),
    boundaries,
  );
}
