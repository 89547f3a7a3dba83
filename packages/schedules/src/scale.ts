import { guard, type Schedule } from './schedule.js';

/**
 * A schedule times a number: η(t)·`factor`; for a layer group that learns slower, say.
 *
 * @throws RangeError for a factor that is negative or not finite.
 * @example
 * scale(constant(0.1), 0.5)(0); // → 0.05
 */
export function scale(schedule: Schedule, factor: number): Schedule {
  return guard('scale', (step) => schedule(step) * factor, { factor });
}
