import { check } from './check.js';
import { guard, type Schedule } from './schedule.js';

/**
 * One schedule after another: part k runs from `boundaries[k − 1]` to just before `boundaries[k]`, and sees its own step,
 * counted from 0 at its start. Two equal boundaries make an empty part.
 *
 * @throws RangeError unless there is one boundary fewer than schedules, all integers ≥ 0 in ascending order.
 * @example
 * join([linearWarmup({ peak: 1, steps: 5 }), constant(1), linear({ from: 1, to: 0, steps: 10 })], [5, 20])(25); // → 0.5
 */
export function join(schedules: readonly Schedule[], boundaries: readonly number[]): Schedule {
  const count = schedules.length - 1;
  if (boundaries.length !== count) {
    throw new RangeError(`join: expected ${count} boundaries, got ${boundaries.length}`);
  }
  boundaries.forEach((boundary, i) => {
    check('join', {}, { [`boundaries[${i}]`]: boundary }, boundaries[i - 1]);
  });
  // Copies, so that a caller who changes the arrays later does not change the schedule.
  const parts = [...schedules];
  const starts = [0, ...boundaries];
  return guard(
    'join',
    (step) => {
      const i = starts.findLastIndex((start) => start <= step);
      return (parts[i] as Schedule)(step - (starts[i] as number));
    },
    {},
  );
}
