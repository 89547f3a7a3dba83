import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from './backend.js';
import { runKernel } from './define.js';

export type Activation = 'linear' | 'relu' | 'relu6' | 'elu' | 'sigmoid' | 'leakyrelu' | 'prelu';

/** What native/activation.h calls them. `prelu` has a tensor of slopes and is a kernel of its own. */
const codes: Record<Activation, number> = { linear: 0, relu: 1, relu6: 2, elu: 3, sigmoid: 4, leakyrelu: 5, prelu: 0 };

export function activationCode(activation: Activation | undefined): number {
  const code = codes[activation ?? 'linear'];
  if (code === undefined) throw new Error(`unknown activation ${String(activation)}`);
  return code;
}

/** Whether a bias is one number for each of the last axis; one of another shape is broadcast by tfjs-backend-cpu. */
export function isOfLastAxis({ shape }: TensorInfo, size: number | undefined): boolean {
  return shape.at(-1) === size && shape.every((extent, axis) => extent === 1 || axis === shape.length - 1);
}

/** Applies what the native kernel could not. Frees `y` where it does. */
export function finishActivation(
  y: TensorInfo,
  activation: Activation | undefined,
  slopes: TensorInfo | undefined,
  backend: OnednnBackend,
): TensorInfo {
  if (activation !== 'prelu') return y;
  if (slopes === undefined) throw new Error('prelu needs `preluActivationWeights`');
  const result = runKernel('Prelu', { x: y, alpha: slopes }, {}, backend);
  backend.disposeData(y.dataId);
  return result;
}
