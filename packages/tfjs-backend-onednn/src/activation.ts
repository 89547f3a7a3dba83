import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from './backend.js';
import { runKernel } from './define.js';

export type Activation = 'linear' | 'relu' | 'relu6' | 'elu' | 'sigmoid' | 'leakyrelu' | 'prelu';

/** What native/activation.h calls them. `prelu` has a tensor of slopes and is a kernel of its own. */
const codes: Record<Activation, number> = { linear: 0, relu: 1, relu6: 2, elu: 3, sigmoid: 4, leakyrelu: 5, prelu: 0 };

/** Whether a bias is one number for each of the last axis; one of another shape is broadcast by tfjs-backend-cpu. */
export function isOfLastAxis({ shape }: TensorInfo, size: number | undefined): boolean {
  return shape.at(-1) === size && shape.every((extent, axis) => extent === 1 || axis === shape.length - 1);
}

/** What `compute` gives, activated: by itself, as it gets the activation's code, or afterwards where it cannot. */
export function activated(
  activation: Activation = 'linear',
  slopes: TensorInfo | null | undefined,
  backend: OnednnBackend,
  compute: (code: number) => TensorInfo,
): TensorInfo {
  const code = codes[activation] as number | undefined;
  if (code === undefined) throw new Error(`unknown activation ${activation}`);
  if (activation !== 'prelu') return compute(code);
  if (slopes == null) throw new Error('prelu needs `preluActivationWeights`');
  // It is applied before anything is rounded.
  backend.resultFormat = undefined;
  const x = compute(code);
  try {
    return runKernel('Prelu', { x, alpha: slopes }, {}, backend);
  } finally {
    backend.disposeData(x.dataId);
  }
}
