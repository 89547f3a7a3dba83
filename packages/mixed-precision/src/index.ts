export { allFinite } from './all-finite.js';
export { type HalfFormat, roundArray } from './formats.js';
export {
  type LossScaler,
  lossScaler,
  type LossScalerOptions,
  type LossScalerState,
  staticLossScaler,
} from './loss-scaler.js';
export { halfCopies } from './master-weights.js';
export { type EnginePrecision, type Policy, policy } from './policy.js';
export { roundTo } from './round-to.js';
