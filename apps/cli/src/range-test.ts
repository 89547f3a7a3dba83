/** One step of a range test. */
export interface RangePoint {
  rate: number;
  loss: number;
}

export interface Suggestion {
  /** The rate at which the smoothed loss falls fastest. */
  steepest: number;
  /** The rate at which it is smallest. */
  lowest: number;
  /** What to train at. */
  rate: number;
}

/** Exponential from `from` to `to` over n steps: from·(to/from)^(t/(n − 1)). */
export const exponentialRate =
  ({ from, to, steps }: { from: number; to: number; steps: number }) =>
  (step: number): number =>
    from * (to / from) ** (step / Math.max(1, steps - 1));

/** The exponential mean of the losses, corrected for its start: s ← β·s + (1 − β)·ℓ, s/(1 − βᵗ). */
export function smoothed(losses: readonly number[], beta = 0.9): number[] {
  let sum = 0;
  return losses.map((loss, i) => {
    sum = beta * sum + (1 - beta) * loss;
    return sum / (1 - beta ** (i + 1));
  });
}

/** Whether the loss has left for good: four times the smallest so far, or no number. */
export function diverged(losses: readonly number[]): boolean {
  const last = losses.at(-1);
  if (last === undefined) return false;
  return !Number.isFinite(last) || last > 4 * Math.min(...losses.filter(Number.isFinite));
}

/**
 * What a range test suggests: a tenth of the rate at which the smoothed loss is smallest, or the rate of the steepest
 * fall where that is smaller. Source: Smith 2017, section 3.3.
 * @returns Nothing where the loss never fell.
 */
export function suggest(points: readonly RangePoint[]): Suggestion | undefined {
  const curve = smoothed(points.map(({ loss }) => loss));
  const lowest = curve.indexOf(Math.min(...curve));
  if (lowest < 3) return undefined;
  let steepest = 1;
  const fall = (i: number) => (curve[i + 1] as number) - (curve[i - 1] as number);
  for (let i = 2; i < lowest; i++) if (fall(i) < fall(steepest)) steepest = i;
  const rates = [points[steepest], points[lowest]].map((point) => (point as RangePoint).rate) as [number, number];
  return { steepest: rates[0], lowest: rates[1], rate: Math.min(rates[0], rates[1] / 10) };
}
