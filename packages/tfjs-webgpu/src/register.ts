import '@tensorflow/tfjs-backend-webgpu';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import {
  _FusedMatMul,
  AddN,
  ArgMax,
  ArgMin,
  BatchMatMul,
  Conv2D,
  Conv2DBackpropFilter,
  Cumprod,
  Cumsum,
  FusedConv2D,
  getKernel,
  type KernelConfig,
  MaxPool,
  MaxPoolGrad,
  Mean,
  registerKernel,
  Softmax,
  Sum,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { addN } from './kernels/add-n.js';
import { allFinite } from './kernels/all-finite.js';
import { argExtreme } from './kernels/arg-extreme.js';
import { conv2dBackpropFilter } from './kernels/conv2d-backprop-filter.js';
import { cumulative } from './kernels/cumulative.js';
import type { WebGpuKernel } from './kernels/kernel.js';
import { conv2d, matMul } from './kernels/mat-mul.js';
import { maxPool, maxPoolGrad } from './kernels/max-pool.js';
import { paddedWindowsOf, windowsOf } from './kernels/pool.js';
import { roundTo } from './kernels/round-to.js';
import { softmax } from './kernels/softmax.js';
import { mean, sum } from './kernels/sum.js';
import { unary } from './kernels/unary.js';

/** Shared by every loaded copy of this package. */
const mark = Symbol.for('@bag/tfjs-webgpu');

const additions: Record<string, WebGpuKernel> = {
  ...unary,
  [ArgMax]: argExtreme('>'),
  [ArgMin]: argExtreme('<'),
  [MaxPool]: maxPool(windowsOf),
  [MaxPoolGrad]: maxPoolGrad(windowsOf, 'input'),
  BagMaxPool: maxPool(paddedWindowsOf),
  BagMaxPoolGrad: maxPoolGrad(paddedWindowsOf, 'x'),
  [Mean]: mean,
  [Softmax]: softmax,
  [Sum]: sum,
  BagAllFinite: allFinite,
  BagRoundTo: roundTo,
};

const wrappers: Record<string, (native: WebGpuKernel) => WebGpuKernel> = {
  [AddN]: addN,
  [Cumprod]: cumulative,
  [Cumsum]: cumulative,
  [BatchMatMul]: matMul,
  [_FusedMatMul]: matMul,
  [Conv2D]: conv2d,
  [FusedConv2D]: conv2d,
  [Conv2DBackpropFilter]: conv2dBackpropFilter,
};

/**
 * Registers the training kernels on the webgpu backend, in place of whatever has their names. Importing the package
 * does it; calling it again, or from a second copy of the package, changes nothing.
 * @example
 * import '@bag/tfjs-webgpu'; // does it
 */
export function registerTrainingKernels(): void {
  for (const [name, kernel] of Object.entries(additions)) replace(name, () => kernel);
  for (const [name, wrap] of Object.entries(wrappers)) replace(name, wrap);
}

function replace(kernelName: string, kernelOver: (native: WebGpuKernel) => WebGpuKernel): void {
  const before = getKernel(kernelName, 'webgpu') as KernelConfig | undefined;
  if (before !== undefined && mark in before.kernelFunc) return;
  const native: WebGpuKernel = (inputs, attributes, backend) => {
    if (before === undefined) throw new Error(`webgpu has no ${kernelName} of its own`);
    return before.kernelFunc({ inputs, attrs: attributes as never, backend });
  };
  const kernel = kernelOver(native);
  const kernelFunc: KernelConfig['kernelFunc'] = ({ inputs, attrs, backend }) =>
    kernel(inputs as Record<string, TensorInfo>, attrs ?? {}, backend as unknown as WebGPUBackend);
  Object.assign(kernelFunc, { [mark]: true });
  if (before !== undefined) unregisterKernel(kernelName, 'webgpu');
  registerKernel({ kernelName, backendName: 'webgpu', kernelFunc });
}
