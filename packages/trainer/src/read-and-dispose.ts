import type { Tensor } from '@tensorflow/tfjs';

/** A tensor's values. It is disposed after the read: reads of the plain WebGPU backend fail where that happens before. */
export async function readAndDispose(tensor: Tensor): Promise<Float32Array> {
  try {
    return (await tensor.data()) as Float32Array;
  } finally {
    tensor.dispose();
  }
}
