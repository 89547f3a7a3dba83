import {
  BatchMatMul,
  engine,
  getGradient,
  type GradConfig,
  registerGradient,
  type Tensor,
} from '@tensorflow/tfjs-core';

/**
 * TensorFlow.js' gradient of a product, with one word more: its products say whose gradient they are, by the attribute
 * `gradientOf`, since transposes alone do not tell a weight from an activation. Engines may ignore it.
 */
const gradient: GradConfig = {
  kernelName: BatchMatMul,
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved, attributes) => {
    const [a, b] = saved as [Tensor, Tensor];
    const { transposeA, transposeB } = attributes as unknown as { transposeA: boolean; transposeB: boolean };
    const d = dy as Tensor;
    return {
      a: () => (transposeA ? product(b, d, transposeB, true, a) : product(d, b, false, !transposeB, a)),
      b: () => (transposeB ? product(d, a, true, transposeA, b) : product(a, d, !transposeA, false, b)),
    };
  },
};

function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean, { dataId }: Tensor): Tensor {
  const attributes = { transposeA, transposeB, gradientOf: dataId as never };
  return engine().runKernel(BatchMatMul, { a, b }, attributes);
}

/** Puts it in the place of TensorFlow.js' own, for whichever backend. */
export function registerProductGradient(): void {
  if (getGradient(BatchMatMul) !== gradient) registerGradient(gradient);
}
