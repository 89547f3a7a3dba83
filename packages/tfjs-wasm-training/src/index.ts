import { registerTrainingKernels } from './register.js';

export { registerTrainingKernels } from './register.js';

registerTrainingKernels();
