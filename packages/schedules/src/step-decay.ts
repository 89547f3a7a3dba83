import { checkCounts, checkPositive, checkRates } from './check.js';
import { schedule, type Schedule } from './schedule.js';

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
  checkRates('stepDecay', { rate });
  checkPositive('stepDecay', { factor });
  const bounds = checkBoundaries('stepDecay', boundaries);
  return schedule('stepDecay', (step) => rate * factor ** passed(bounds, step));
}

/** A copy, so that a caller who changes the array later does not change the schedule. */
export function checkBoundaries(owner: string, boundaries: readonly number[]): readonly number[] {
  boundaries.forEach((boundary, i) => {
    checkCounts(owner, { [`boundaries[${i}]`]: boundary }, i > 0 ? boundaries[i - 1] : 0);
  });
  return [...boundaries];
}

/** How many boundaries `step` has reached. */
export function passed(boundaries: readonly number[], step: number): number {
  return boundaries.filter((boundary) => boundary <= step).length;
}
