import { input, type WasmKernel } from './heap.js';

/**
 * A clone that shares its input's memory, as the other backends have it. The backend's own copies; since the engine
 * saves clones for the backward pass, every saved activation would exist twice.
 */
export const identity: WasmKernel = (inputs, _, backend) => {
  const { dataId, shape, dtype } = input(inputs, 'x');
  backend.incRef(dataId);
  return { dataId, shape, dtype };
};
