import {
  addN,
  engine,
  getKernel,
  mul,
  type NamedTensorMap,
  registerKernel,
  scalar,
  sum,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { liveValues } from './buffers.js';

const kernelName = 'BagAllFinite';

/**
 * Whether every value of every tensor is finite, in one kernel and one read from the device.
 *
 * @param tensors float32, any shapes; left alone.
 * @example
 * if (!(await allFinite(Object.values(gradients)))) …
 */
export async function allFinite(tensors: readonly Tensor[]): Promise<boolean> {
  if (tensors.length === 0) return true;
  const { backendName } = engine();
  if (getKernel(kernelName, backendName) === undefined) {
    registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs }) => check(Object.values(inputs as NamedTensorMap)),
    });
  }
  const inputs = Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor]));
  const result = engine().runKernel(kernelName, inputs) as unknown as Tensor;
  const [flag] = await result.data();
  result.dispose();
  return flag === 1;
}

function check(tensors: Tensor[]): Tensor {
  return tidy(() => {
    const live = tensors.map(liveValues);
    if (live.every((values) => values !== undefined)) return scalar(live.every(isFinite) ? 1 : 0);
    // 0·x is 0 for a finite x and NaN for any other; 1 + 0 is 1, and NaN is not.
    return total([scalar(1), ...tensors.map((tensor) => tidy(() => sum(mul(tensor, 0))))]);
  });
}

/** The plain WebGPU backend's AddN binds each input as a storage buffer, and its output; a shader is promised eight of them. */
const addedAtOnce = 7;

function total(scalars: Tensor[]): Tensor {
  if (scalars.length <= addedAtOnce) return addN(scalars);
  const groups = Array.from({ length: Math.ceil(scalars.length / addedAtOnce) }, (_, i) =>
    addN(scalars.slice(i * addedAtOnce, (i + 1) * addedAtOnce)),
  );
  return total(groups);
}

function isFinite(values: Float32Array): boolean {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    if (((bits[i] as number) & 0x7f800000) === 0x7f800000) return false;
  }
  return true;
}
