import { cosineWeight } from './cosine.js';
import { guard, mix, type Schedule } from './schedule.js';

export interface CosineRestartsOptions {
  /** Rate at the start of every cycle. */
  from: number;
  /** What each cycle falls towards. */
  to?: number;
  /** T₀: steps of the first cycle. */
  steps: number;
  /** What each cycle is longer than the one before, an integer ≥ 1. */
  multiplier?: number;
}

/**
 * Cosine decay with warm restarts (SGDR): b + ½(a − b)(1 + cos(πs/Tₖ)), s the step within cycle k, of
 * Tₖ = T₀·mᵏ steps; a `from`, b `to`, T₀ `steps`, m `multiplier`. The step after a cycle's last runs at a again, so b is
 * approached, never reached, as in PyTorch's CosineAnnealingWarmRestarts(T_0, T_mult, eta_min).
 *
 * @throws RangeError for a bad rate, or steps or a multiplier that are not integers ≥ 1.
 * Source: Loshchilov and Hutter 2017.
 * @example
 * cosineRestarts({ from: 1, steps: 10, multiplier: 2 })(20); // → 0.5
 */
export function cosineRestarts({ from, to = 0, steps, multiplier = 1 }: CosineRestartsOptions): Schedule {
  const formula = (step: number) => {
    let length = steps;
    let own = multiplier === 1 ? step % steps : step;
    // Subtraction is exact where a logarithm may land on the wrong side of a restart.
    while (own >= length) {
      own -= length;
      length *= multiplier;
    }
    return mix(from, to, cosineWeight(own / length));
  };
  return guard('cosineRestarts', formula, { from, to }, { steps, multiplier }, 1);
}
