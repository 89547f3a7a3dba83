import { checkCounts, checkPositive, checkRates } from './check.js';
import { cosineWeight } from './cosine.js';
import { mix, schedule, type Schedule } from './schedule.js';

export interface OneCycleOptions {
  /** η: the highest rate (`max_lr`). */
  peak: number;
  /** T: steps of the whole run (`total_steps`). */
  totalSteps: number;
  /** Share of the run that rises, in (0, 1), at most 0.5 with three phases (`pct_start`). */
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

interface Phase {
  end: number;
  from: number;
  to: number;
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
  checkRates('oneCycle', { peak });
  checkPositive('oneCycle', { divFactor, finalDivFactor });
  checkCounts('oneCycle', { totalSteps }, 1);
  if (!(warmupFraction > 0 && warmupFraction < 1 && (!threePhase || warmupFraction <= 0.5))) {
    throw new RangeError(
      `oneCycle: expected warmupFraction in (0, 1), at most 0.5 with threePhase, got ${warmupFraction}`,
    );
  }
  const first = peak / divFactor;
  const last = first / finalDivFactor;
  const rise = warmupFraction * totalSteps;
  const phases: Phase[] = [
    { end: rise - 1, from: first, to: peak },
    ...(threePhase ? [{ end: 2 * rise - 2, from: peak, to: first }] : []),
    { end: totalSteps - 1, from: threePhase ? first : peak, to: last },
  ];
  const weight = anneal === 'cosine' ? cosineWeight : (x: number) => 1 - x;
  return schedule('oneCycle', (step) => {
    let start = 0;
    for (const { end, from, to } of phases) {
      // A phase of no length (a very short run) is its end.
      if (step <= end) return mix(from, to, weight(end > start ? (step - start) / (end - start) : 1));
      start = end;
    }
    return last;
  });
}
