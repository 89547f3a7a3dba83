import { WebGpuError } from '../error.js';
import { noGpu } from './vulkan.js';

/**
 * The GPU that Dawn offers first.
 * @throws WebGpuError if there is none.
 */
export async function requestAdapter(gpu: GPU, powerPreference: GPUPowerPreference): Promise<GPUAdapter> {
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference });
  } catch (error) {
    // Dawn lists the adapters when the one that was asked for by name is missing.
    const lines = (error as Error).message.split('\n').map((line) => line.replace(/^[\s*]+/, ''));
    throw new WebGpuError(
      `no such GPU (${lines.filter(Boolean).join(' ')})`,
      'leave the option `adapter` out, or take one of these names',
      { cause: error },
    );
  }
  if (adapter !== null) return adapter;
  throw noGpu();
}
