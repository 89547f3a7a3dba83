/**
 * A learning rate as a function of the optimiser step: pure, 0-based, absolute. `schedule(0)` is the rate of the first
 * update. Every schedule of this package throws a RangeError for a step that is negative or not finite; a fractional
 * step, as a plot may ask for, is fine.
 */
export type Schedule = (step: number) => number;

/** Guards a formula against steps that no training run has; a NaN would otherwise travel into the weights. */
export function schedule(name: string, formula: (step: number) => number): Schedule {
  return (step) => {
    if (!(step >= 0 && step < Infinity)) {
      throw new RangeError(`${name}: expected a step ≥ 0 (the number of updates done so far), got ${step}`);
    }
    return formula(step);
  };
}

/** `start` at weight 1 and `end` at weight 0, both exactly: end + (start − end)·w would round at the ends. */
export function mix(start: number, end: number, weight: number): number {
  return start * weight + end * (1 - weight);
}
