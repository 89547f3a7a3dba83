import {
  div,
  mean,
  type NamedTensorMap,
  reshape,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tile,
} from '@tensorflow/tfjs-core';
import { mayRelease, registerGradientOnce, runKernel } from './kernel.js';

/**
 * The mean of each channel over the whole image: y[b,c] = 1/(H·W) · Σ x[b,i,j,c]. As `torch.nn.AdaptiveAvgPool2d(1)`, in
 * NHWC and flattened.
 *
 * @param x `[batch, height, width, channels]`, float32.
 * @returns `[batch, channels]`, float32 on engines that store x in 16 bits, too; owned by the caller.
 * @throws Error where x is no batch of images.
 * @example
 * globalAveragePool(tf.ones([2, 4, 4, 3])).shape; // → [2, 3]
 */
export function globalAveragePool(x: Tensor4D): Tensor2D {
  if (x.rank !== 4) {
    throw new Error(
      `globalAveragePool: expected x of shape [batch, height, width, channels], got [${x.shape.join(', ')}]`,
    );
  }
  return runKernel('BagGlobalAveragePool', { x }, {}, composeForward) as Tensor2D;
}

registerGradientOnce({
  kernelName: 'BagGlobalAveragePool',
  inputsToSave: ['x'],
  gradFunc: (dy, saved) => {
    const [x] = saved as [Tensor4D];
    const gradient = dy as Tensor2D;
    const release = mayRelease(gradient);
    return {
      x: () => {
        const dx = runKernel('BagGlobalAveragePoolGrad', { dy: gradient, x }, {}, composeBackward) as Tensor4D;
        if (release) for (const tensor of [gradient, x]) tensor.dispose();
        return dx;
      },
    };
  },
});

function composeForward({ x }: NamedTensorMap): Tensor {
  return mean(x as Tensor, [1, 2]);
}

/** dx[b,i,j,c] = dy[b,c]/(H·W). */
function composeBackward({ dy, x }: NamedTensorMap): Tensor {
  const [batch, height, width, channels] = (x as Tensor4D).shape;
  return tile(reshape(div(dy as Tensor, height * width), [batch, 1, 1, channels]), [1, height, width, 1]);
}
