import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/** Free memory that is always kept. */
const KEPT = 256 * 2 ** 20;
/** Smaller buffers come and go without notice. */
const LARGE = 2 ** 20;

/** What the backend's buffer manager keeps to itself. */
interface Pool {
  freeBuffers: Map<string, GPUBuffer[]>;
  numFreeBuffers: number;
}

/**
 * Destroys the buffers that the backend holds for tensors to come, if a large one of another size is asked for while more
 * memory is free than in use. The backend itself never gives memory back, so that training and evaluation, with tensors
 * of other sizes, would need that of both together.
 */
export function trimPool({ bufferManager }: WebGPUBackend, size: number): void {
  const free = bufferManager.numBytesAllocated - bufferManager.numBytesUsed;
  if (size < LARGE || free <= Math.max(KEPT, bufferManager.numBytesUsed)) return;
  const pool = bufferManager as unknown as Pool;
  for (const buffers of pool.freeBuffers.values()) {
    for (const buffer of buffers) {
      buffer.destroy(); // after what has been submitted
      bufferManager.numBytesAllocated -= buffer.size;
    }
    buffers.length = 0;
  }
  pool.numFreeBuffers = 0;
}
