export { writeFileAtomically } from './node/atomic.js';
export { EventFile, type EventFileOptions } from './node/event-file.js';
export { writeFirstBatch, type FirstBatchOptions } from './node/first-batch.js';
export { type Checkpoint, RunFolder } from './node/run-folder.js';
export { readSafetensors, writeSafetensors } from './node/safetensors.js';
