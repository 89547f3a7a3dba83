export { EngineError } from './engine-error.js';
export { loadTensorFlow, type TensorFlowEngine, type TensorFlowOptions } from './load.js';
export { correctKernels } from './kernels/register.js';
