import { check } from './check.js';

export interface LinearScalingOptions {
  /** Rate that suits `baseBatch`. */
  baseRate?: number;
  /** Examples per update that `baseRate` was found with. */
  baseBatch?: number;
  /** b: examples per update: batch × accumulation × workers. */
  batch: number;
}

/**
 * The linear scaling rule: η = `baseRate`·b/`baseBatch`, a peak rate for batch size b.
 *
 * @throws RangeError for a bad rate, or batch sizes that are not integers ≥ 1.
 * Source: Goyal et al. 2017; He et al. 2018, section 3.1.
 * @example
 * linearScaling({ batch: 1024 }); // → 0.4
 */
export function linearScaling({ baseRate = 0.1, baseBatch = 256, batch }: LinearScalingOptions): number {
  check('linearScaling', { baseRate }, { baseBatch, batch }, 1);
  return (baseRate * batch) / baseBatch;
}
