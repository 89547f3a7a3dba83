import { registerBackend } from '@tensorflow/tfjs-core';
import { OnednnBackend } from './backend.js';
import { backendName, forwardTheRest } from './define.js';
import './kernels/index.js';

export { OnednnBackend } from './backend.js';
export { info, memory, resetPeakMemory, setMemoryLimits, setThreads, threads, trimMemory } from './control.js';
export type { EngineInfo, HalfSupport, MemoryLimits } from './control.js';
export type { NativeMemory } from './native.js';

forwardTheRest();
// Above cpu (1), webgl (2) and wasm (2).
registerBackend(backendName, () => new OnednnBackend(), 4);
