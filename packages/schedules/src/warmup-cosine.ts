import { check } from './check.js';
import { cosine } from './cosine.js';
import { join } from './join.js';
import { linearWarmup } from './linear-warmup.js';
import type { Schedule } from './schedule.js';

export interface WarmupCosineOptions {
  /** η: the highest rate. */
  peak: number;
  /** m: steps of the warmup; 0 is none. */
  warmupSteps: number;
  /** T: steps of the whole run, warmup included. */
  totalSteps: number;
  /** Rate at step `totalSteps` and after it. */
  final?: number;
}

/**
 * The paper's schedule: (t + 1)·η/m for t < m, then b + ½(η − b)(1 + cos(π(t − m)/(T − m))), and exactly b from t = T
 * on; η `peak`, m `warmupSteps`, T `totalSteps`, b `final`. Steps m − 1 and m both run at η.
 *
 * @throws RangeError for a bad rate, steps that are not integers ≥ 0, or a warmup longer than the run.
 * Source: He et al. 2018, sections 3.1 and 5.1.
 * @example
 * const rate = warmupCosine({ peak: 0.4, warmupSteps: 5, totalSteps: 105 });
 * rate(55); // → 0.2
 */
export function warmupCosine({ peak, warmupSteps, totalSteps, final = 0 }: WarmupCosineOptions): Schedule {
  const afterWarmup = totalSteps - warmupSteps;
  check('warmupCosine', { peak, final }, { warmupSteps, 'totalSteps - warmupSteps': afterWarmup });
  return join(
    [linearWarmup({ peak, steps: warmupSteps }), cosine({ from: peak, to: final, steps: afterWarmup })],
    [warmupSteps],
  );
}
