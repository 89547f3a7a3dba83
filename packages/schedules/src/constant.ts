import { guard, type Schedule } from './schedule.js';

/**
 * The same rate at every step: η(t) = `rate`.
 *
 * @throws RangeError for a rate that is negative or not finite.
 * @example
 * constant(0.1)(1000); // → 0.1
 */
export function constant(rate: number): Schedule {
  return guard('constant', () => rate, { rate });
}
