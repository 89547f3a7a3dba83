export { cutmix, type CutmixOptions } from './cutmix.js';
export type { Labels } from './labels.js';
export type { IntegerBatch, LabelledImages, MixedBatch, SoftBatch, SoftMixedBatch } from './mixed.js';
export { mixup, type MixupOptions } from './mixup.js';
export { type DecayGroup, type DecayParameter, noBiasDecay } from './no-bias-decay.js';
export { smoothLabels, type SmoothLabelsOptions } from './smooth-labels.js';
