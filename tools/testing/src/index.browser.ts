// What of this package runs in a browser: tests that follow READMEs and pages read files, and run in Node only.
export { describeOnBackends } from './backends.js';
export type { TestBackend } from '#engines';
export { withGradients } from './gradients.js';
export { expectAllClose, relativeError, type Tolerance } from './close.js';
export { fill, noise, sketchError } from './noise.js';
export { expectNoLeak } from './leak.js';
export { peakBytes } from './peak.js';
export { type Contract, type ContractRow, testContract } from './contract.js';
