import { check, type Options } from './check.js';

/**
 * A learning rate as a function of the optimiser step: pure, 0-based, absolute. `schedule(0)` is the rate of the first
 * update. Every schedule of this package throws a RangeError for a step that is negative or not finite; a fractional
 * step, as a plot may ask for, is fine.
 */
export type Schedule = (step: number) => number;

/**
 * Checks the options once (see `check`), and each step before the formula sees it: a NaN would otherwise travel into the
 * weights.
 */
export function guard(
  owner: string,
  formula: (step: number) => number,
  numbers: Options,
  counts?: Options,
  least?: number,
): Schedule {
  check(owner, numbers, counts, least);
  return (step) => {
    check(owner, { step });
    return formula(step);
  };
}

/** `start` at weight 1 and `end` at weight 0, both exactly: end + (start − end)·w would round at the ends. */
export function mix(start: number, end: number, weight: number): number {
  return start * weight + end * (1 - weight);
}

/** From one rate to another in `steps`, by a weight that falls from 1 to 0 while its argument t/T rises from 0 to 1. */
export function decay(
  owner: string,
  { from, to = 0, steps }: { from: number; to?: number; steps: number },
  weight: (progress: number) => number,
  numbers?: Options,
): Schedule {
  return guard(
    owner,
    (step) => (step >= steps ? to : mix(from, to, weight(step / steps))),
    { from, to, ...numbers },
    { steps },
  );
}
