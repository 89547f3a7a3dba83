import { cosineWeight } from './cosine.js';
import { guard, mix, type Schedule } from './schedule.js';

export interface OneCycleOptions {
  /** η: the highest rate (`max_lr`). */
  peak: number;
  /** T: steps of the whole run (`total_steps`). */
  totalSteps: number;
  /** Share of the run that rises, in [0, 1], at most 0.5 with three phases (`pct_start`). */
  warmupFraction?: number;
  /** The first rate is η divided by this (`div_factor`). */
  divFactor?: number;
  /** The last rate is the first divided by this (`final_div_factor`). */
  finalDivFactor?: number;
  /** Shape of each phase (`anneal_strategy`). */
  anneal?: 'cosine' | 'linear';
  /** Fall back to the first rate as fast as it rose, then to the last (`three_phase`). */
  threePhase?: boolean;
}

/**
 * The 1cycle policy as PyTorch's OneCycleLR has it: up from η/d to η in the first p·T steps, then down to η/(d·f) at the
 * last update, t = T − 1, and constant after; η `peak`, T `totalSteps`, p `warmupFraction`, d `divFactor`,
 * f `finalDivFactor`. PyTorch cycles the momentum too; this does not.
 *
 * @throws RangeError for a bad rate or divisor, totalSteps that are not an integer ≥ 1, or a fraction out of range.
 * Source: Smith and Topin 2017.
 * @example
 * oneCycle({ peak: 1, totalSteps: 100 })(29); // → 1
 */
export function oneCycle({
  peak,
  totalSteps,
  warmupFraction = 0.3,
  divFactor = 25,
  finalDivFactor = 1e4,
  anneal = 'cosine',
  threePhase = false,
}: OneCycleOptions): Schedule {
  const first = peak / divFactor;
  const last = first / finalDivFactor;
  const rise = warmupFraction * totalSteps;
  // The step and the rate at which each phase ends.
  const phases = [
    [rise - 1, peak] as const,
    ...(threePhase ? [[2 * rise - 2, first] as const] : []),
    [totalSteps - 1, last] as const,
  ];
  const weight = anneal === 'linear' ? (x: number) => 1 - x : cosineWeight;
  const formula = (step: number) => {
    let start = 0;
    let from = first;
    for (const [end, to] of phases) {
      if (step < end) return mix(from, to, weight((step - start) / (end - start)));
      start = end;
      from = to;
    }
    return last;
  };
  const left = totalSteps - (threePhase ? 2 : 1) * rise;
  return guard(
    'oneCycle',
    formula,
    { peak, divFactor, finalDivFactor, warmupFraction, 'last rate': last, 'steps after warmup': left },
    { totalSteps },
    1,
  );
}
