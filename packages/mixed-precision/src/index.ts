export { allFinite } from './all-finite.js';
export { roundArray } from './formats.js';
export {
  type LossScaler,
  lossScaler,
  type LossScalerOptions,
  type LossScalerState,
  staticLossScaler,
} from './loss-scaler.js';
export { halfCopies } from './master-weights.js';
export { type EnginePrecision, type Policy, policy, type PolicyOptions, type Precision } from './policy.js';
export { roundTo } from './round-to.js';
export type { HalfFormat, Operation } from './half.js';
