export { cutmixAdapter, mixupAdapter, type MixupAdapterOptions } from './adapters.js';
export { evaluate, type EvaluateOptions } from './evaluate.js';
export type { EpochEvent, MemoryInUse, Scores, StepEvent, TrainEvent, TrainingScores } from './events.js';
export { type Losses, Metrics, type Truth } from './metrics.js';
export { hardLoss, type HardLossOptions, type Targets } from './objective.js';
export { loadParameters, storeParameters, type StoredTensor } from './parameters.js';
export {
  type Average,
  NonFiniteLossError,
  type Optimizer,
  type Scaler,
  train,
  type TrainedEpoch,
  type TrainOptions,
  type TrainState,
} from './train.js';
export { type Distillation, fullPrecision, type Mixing, type Precision, type Tricks } from './tricks.js';
export {
  type ApplyOptions,
  type Batch,
  type NamedTensors,
  type Network,
  type Parameter,
  type Role,
  trainable,
} from './types.js';
