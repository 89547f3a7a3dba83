import { schedule, type Schedule } from './schedule.js';
import { checkBoundaries, passed } from './step-decay.js';

/**
 * One schedule after another: part k runs from `boundaries[k − 1]` to just before `boundaries[k]`, and sees its own step,
 * counted from 0 at its start. Two equal boundaries make an empty part.
 *
 * @throws RangeError unless there is one boundary fewer than schedules, all integers ≥ 0 in ascending order.
 * @example
 * join([linearWarmup({ peak: 1, steps: 5 }), constant(1), linear({ from: 1, to: 0, steps: 10 })], [5, 20])(25); // → 0.5
 */
export function join(schedules: readonly Schedule[], boundaries: readonly number[]): Schedule {
  if (schedules.length !== boundaries.length + 1) {
    throw new RangeError(
      `join: expected one boundary between every two schedules, got ${schedules.length} schedules and ${boundaries.length} boundaries`,
    );
  }
  const bounds = checkBoundaries('join', boundaries);
  const parts = [...schedules];
  return schedule('join', (step) => {
    const i = passed(bounds, step);
    return (parts[i] as Schedule)(step - (bounds[i - 1] ?? 0));
  });
}
