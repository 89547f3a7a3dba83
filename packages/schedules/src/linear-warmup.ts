import { guard, type Schedule } from './schedule.js';

export interface LinearWarmupOptions {
  /** η: rate of the last warmup step and after it. */
  peak: number;
  /** m: steps of the warmup; 0 is none. */
  steps: number;
}

/**
 * Linear warmup: η(t) = (t + 1)·η/m, and exactly η from t = m − 1 on; η `peak`, m `steps`. It is the paper's i·η/m with
 * i = t + 1: no update is lost at rate zero.
 *
 * @throws RangeError for a rate that is negative or not finite, or steps that are not an integer ≥ 0.
 * Source: Goyal et al. 2017; He et al. 2018, section 3.1.
 * @example
 * linearWarmup({ peak: 0.4, steps: 4 })(0); // → 0.1
 */
export function linearWarmup({ peak, steps }: LinearWarmupOptions): Schedule {
  return guard('linearWarmup', (step) => Math.min((step + 1) / steps, 1) * peak, { peak }, { steps });
}
