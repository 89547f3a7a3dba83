import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import {
  _FusedMatMul,
  BatchMatMul,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  getKernel,
  Identity,
  type KernelConfig,
  MaxPoolGrad,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { batchNormTraining, batchNormTrainingGrad } from './batch-norm.js';
import { conv2dBackpropFilter } from './conv2d-backprop-filter.js';
import { conv2dBackpropInput } from './conv2d-backprop-input.js';
import { crossEntropy, crossEntropyGrad } from './cross-entropy.js';
import { depthwiseConv2d, depthwiseConv2dBackpropFilter, depthwiseConv2dBackpropInput } from './depthwise-conv2d.js';
import type { WasmKernel } from './heap.js';
import { identity } from './identity.js';
import { matMul } from './mat-mul.js';
import { maxPoolGrad } from './max-pool-grad.js';
import { sgdUpdate } from './sgd-update.js';

/** Shared by every loaded copy of this package. */
const mark = Symbol.for('@bag/tfjs-wasm-training');

const additions: Record<string, WasmKernel> = {
  [Conv2DBackpropFilter]: conv2dBackpropFilter,
  BagBatchNormTraining: batchNormTraining,
  BagBatchNormTrainingGrad: batchNormTrainingGrad,
  BagCrossEntropy: crossEntropy,
  BagCrossEntropyGrad: crossEntropyGrad,
  BagDepthwiseConv2D: depthwiseConv2d,
  BagDepthwiseConv2DBackpropInput: depthwiseConv2dBackpropInput,
  BagDepthwiseConv2DBackpropFilter: depthwiseConv2dBackpropFilter,
  BagSgdUpdate: sgdUpdate,
  [Identity]: identity,
  [MaxPoolGrad]: maxPoolGrad,
};

const wrappers: Record<string, (native: WasmKernel) => WasmKernel> = {
  [BatchMatMul]: matMul,
  [_FusedMatMul]: matMul,
  [Conv2DBackpropInput]: conv2dBackpropInput,
};

/**
 * Registers the training kernels on the wasm backend, in place of whatever has their names. Importing the package does
 * it; calling it again, or from a second copy of the package, changes nothing.
 * @example
 * import '@bag/tfjs-wasm-training'; // does it
 */
export function registerTrainingKernels(): void {
  for (const [name, kernel] of Object.entries(additions)) replace(name, () => kernel);
  for (const [name, wrap] of Object.entries(wrappers)) replace(name, wrap);
}

function replace(kernelName: string, kernelOver: (native: WasmKernel) => WasmKernel): void {
  const before = getKernel(kernelName, 'wasm') as KernelConfig | undefined;
  if (before !== undefined && mark in before.kernelFunc) return;
  const native: WasmKernel = (inputs, attributes, backend) => {
    if (before === undefined) throw new Error(`wasm has no ${kernelName} of its own`);
    return before.kernelFunc({ inputs, attrs: attributes as never, backend });
  };
  const kernel = kernelOver(native);
  const kernelFunc: KernelConfig['kernelFunc'] = ({ inputs, attrs, backend }) =>
    kernel(inputs as Record<string, TensorInfo>, attrs ?? {}, backend as unknown as BackendWasm);
  Object.assign(kernelFunc, { [mark]: true });
  if (before !== undefined) unregisterKernel(kernelName, 'wasm');
  registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc,
    // The backend's own kernels bind their wasm functions in it, when the backend starts.
    ...(before?.setupFunc !== undefined && { setupFunc: before.setupFunc }),
  });
}
