export { describeOnBackends, type TestBackend } from './backends.js';
export { expectAllClose, relativeError, type Tolerance } from './close.js';
export { fill, noise, sketchError } from './noise.js';
export { expectNoLeak } from './leak.js';
export { peakBytes } from './peak.js';
export { testReadme } from './readme.js';
export { type Contract, type ContractRow, testContract } from './contract.js';
export { testPage } from './page.js';
