export { Ema, ema, type EmaOptions, type EmaState, type StoredEmaState } from './ema.js';
export type { NamedTensors, Parameter, ParameterGroup, StoredTensor } from './parameter.js';
export { type Schedule, Sgd, sgd, type SgdOptions, type SgdState, type StoredSgdState } from './sgd.js';
