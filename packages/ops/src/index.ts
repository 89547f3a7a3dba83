export { averagePool, type AveragePoolAttributes, type AveragePoolOptions } from './average-pool.js';
export {
  type BatchNormAttributes,
  batchNormInference,
  type BatchNormOptions,
  batchNormTraining,
  type BatchNormTraining,
} from './batch-norm.js';
export {
  conv2d,
  type Conv2dAttributes,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  type Conv2dOptions,
} from './conv2d.js';
export { crossEntropy, type CrossEntropyAttributes, type CrossEntropyOptions } from './cross-entropy.js';
export { depthwiseConv2d, type DepthwiseConv2dAttributes, type DepthwiseConv2dOptions } from './depthwise-conv2d.js';
export { globalAveragePool } from './global-average-pool.js';
export { valueAndGradients } from './gradients.js';
export { maxPool, type MaxPoolAttributes, type MaxPoolOptions } from './max-pool.js';
export { type BatchStatistics, PendingStatistics, type RunningStatisticsAttributes } from './pending-statistics.js';
export { type SgdAttributes, sgdUpdate, type SgdUpdateOptions } from './sgd-update.js';
export { untaped } from './untaped.js';
export type { Padding } from './windows.js';
