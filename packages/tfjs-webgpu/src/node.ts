import './index.js';

export type { DeviceLimits } from './device.js';
export { WebGpuError } from './error.js';
export { startWebGpu, type StartWebGpuOptions, type WebGpu } from './node/start.js';
