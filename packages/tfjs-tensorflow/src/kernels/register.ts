import { getKernel, type KernelConfig, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { conv2dBackpropFilter, conv2dBackpropInput } from './conv2d-backprop.js';
import type { TensorFlowKernel } from './operation.js';

/** Shared by every loaded copy of this package. */
const mark = Symbol.for('@bag/tfjs-tensorflow');

const kernels: Record<string, TensorFlowKernel> = {
  Conv2DBackpropFilter: conv2dBackpropFilter,
  Conv2DBackpropInput: conv2dBackpropInput,
};

/**
 * Registers on the backend `tensorflow` what its own kernels refuse or get wrong. `loadTensorFlow` does it; calling it
 * again, or from a second copy of the package, changes nothing.
 */
export function correctKernels(): void {
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    const before = getKernel(kernelName, 'tensorflow') as KernelConfig | undefined;
    if (before !== undefined) {
      if (mark in before.kernelFunc) continue;
      unregisterKernel(kernelName, 'tensorflow');
    }
    const kernelFunc: KernelConfig['kernelFunc'] = ({ inputs, attrs, backend }) =>
      kernel(inputs as never, (attrs ?? {}), backend as never);
    Object.assign(kernelFunc, { [mark]: true });
    registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc });
  }
}
