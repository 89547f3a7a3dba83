import { registerInBrowser } from './browser.js';
import { registerTrainingKernels } from './register.js';

export { whyNoWebGpu } from './browser.js';
export type { DeviceLimits } from './device.js';
export { WebGpuError } from './error.js';
export { registerTrainingKernels } from './register.js';

registerTrainingKernels();
registerInBrowser();
