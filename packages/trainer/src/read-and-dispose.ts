import type { Tensor, TypedArray } from '@tensorflow/tfjs';

/** A tensor's values. It is disposed after the read: reads of the plain WebGPU backend fail where that happens before. */
export async function readAndDispose<T extends TypedArray = Float32Array>(tensor: Tensor): Promise<T> {
  try {
    return (await tensor.data()) as T;
  } finally {
    tensor.dispose();
  }
}
