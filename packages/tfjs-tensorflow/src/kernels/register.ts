import {
  Conv2D,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  engine,
  getKernel,
  type KernelConfig,
  type KernelFunc,
  type NamedAttrMap,
  registerKernel,
  type Tensor,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { batchNormTraining, batchNormTrainingGrad } from './batch-norm.js';
import { conv2d, conv2dBackpropFilter, conv2dBackpropInput } from './conv2d.js';
import { depthwiseConv2d, depthwiseConv2dBackpropFilter, depthwiseConv2dBackpropInput } from './depthwise.js';
import type { NodeBackend, TensorFlowKernel } from './operation.js';

/** Shared by every loaded copy of this package. */
const mark = Symbol.for('@bag/tfjs-tensorflow');

/** In place of tfjs-node's own, which they may call. */
const corrections: Record<string, (native: TensorFlowKernel) => TensorFlowKernel> = {
  [Conv2D]: conv2d,
  [Conv2DBackpropFilter]: () => conv2dBackpropFilter,
  [Conv2DBackpropInput]: () => conv2dBackpropInput,
  [DepthwiseConv2dNative]: depthwiseConv2d,
  [DepthwiseConv2dNativeBackpropFilter]: depthwiseConv2dBackpropFilter,
  [DepthwiseConv2dNativeBackpropInput]: depthwiseConv2dBackpropInput,
};

/** For `@bag/ops`, on processors. */
const additions: Record<string, TensorFlowKernel<Tensor[]>> = {
  BagBatchNormTraining: batchNormTraining,
  BagBatchNormTrainingGrad: batchNormTrainingGrad,
};

/**
 * Registers on the backend `tensorflow` what its own kernels refuse or get wrong, and what training is faster with.
 * `loadTensorFlow` does it; calling it again, or from a second copy of the package, changes nothing.
 */
export function correctKernels(): void {
  for (const [kernelName, correct] of Object.entries(corrections)) {
    const before = getKernel(kernelName, 'tensorflow');
    const native: TensorFlowKernel = (inputs, attributes, backend) => {
      const given = { inputs, attrs: attributes as NamedAttrMap, backend };
      return before.kernelFunc(given) as unknown as Tensor;
    };
    register(kernelName, correct(native));
  }
  const { isUsingGpuDevice } = engine().findBackend('tensorflow') as unknown as NodeBackend;
  if (isUsingGpuDevice) return;
  for (const [kernelName, kernel] of Object.entries(additions)) register(kernelName, kernel);
}

function register(kernelName: string, kernel: TensorFlowKernel<Tensor | Tensor[]>): void {
  const before = getKernel(kernelName, 'tensorflow') as KernelConfig | undefined;
  if (before !== undefined) {
    if (mark in before.kernelFunc) return;
    unregisterKernel(kernelName, 'tensorflow');
  }
  const kernelFunc: KernelFunc = ({ inputs, attrs, backend }) =>
    kernel(inputs as Record<string, Tensor>, attrs ?? {}, backend as NodeBackend);
  Object.assign(kernelFunc, { [mark]: true });
  registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc });
}
