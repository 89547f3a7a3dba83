import {
  engine,
  getGradient,
  getKernel,
  registerGradient,
  registerKernel,
  type Tensor,
  zerosLike,
} from '@tensorflow/tfjs-core';

const kernelName = 'BagStopGradient';

/**
 * The same values, as a constant: the gradient of what depends on it ends here.
 * @returns A tensor that shares the input's buffer, owned by the caller.
 */
export function stopGradient<T extends Tensor>(tensor: T): T {
  const { backendName } = engine();
  if (getKernel(kernelName, backendName) === undefined) {
    // Inside a kernel no tape records.
    registerKernel({ kernelName, backendName, kernelFunc: ({ inputs }) => (inputs['x'] as Tensor).clone() });
  }
  if (getGradient(kernelName) == null) {
    registerGradient({
      kernelName,
      inputsToSave: ['x'],
      gradFunc: (_, [x]) => ({ x: () => zerosLike(x as Tensor) }),
    });
  }
  return engine().runKernel(kernelName, { x: tensor }, {}) as unknown as T;
}
