import { closeAtEnd } from './closing.js';
import { type EngineStatus, missingBecause } from './status.js';

export async function probeWebgpu(): Promise<EngineStatus> {
  try {
    const { startWebGpu } = await import('@bag/tfjs-webgpu/node');
    const { description, software, limits, release } = await startWebGpu();
    closeAtEnd(release);
    return {
      name: 'webgpu',
      available: true,
      device: description,
      software,
      memoryLimitBytes: limits.maxStorageBufferBindingSize,
    };
  } catch (error) {
    return missingBecause('webgpu', error, 'see docs/backends.md');
  }
}
