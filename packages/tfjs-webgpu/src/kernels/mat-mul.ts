import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { backend_util, env, type TensorInfo } from '@tensorflow/tfjs-core';
import { input, type WebGpuKernel } from './kernel.js';

const FLAG = 'WEBGPU_MATMUL_PROGRAM_TYPE';
/** The backend's program for small results, tile by tile: `MatMulSmallOutputSizeProgram`. */
const SMALL_OUTPUT = 2;
/** From this many terms on the backend lets workgroups add to the same result. */
const SPLIT_FROM = 2000;

/**
 * Products of matrices that come out the same each time. For a small result of long sums, a ResNet's last layer for
 * example, the backend's own adds up pieces in the order in which the workgroups happen to end.
 */
export const matMul =
  (native: WebGpuKernel): WebGpuKernel =>
  (inputs, attributes, backend) => {
    const { shape } = input(inputs, 'a');
    const terms = shape.at(attributes['transposeA'] === true ? -2 : -1) as number;
    return terms < SPLIT_FROM
      ? native(inputs, attributes, backend)
      : unsplit(backend, outputs(inputs, attributes), () => native(inputs, attributes, backend));
  };

/** Convolutions that the backend makes products of: with 1×1 filters, and with those as large as the image. */
export const conv2d =
  (native: WebGpuKernel): WebGpuKernel =>
  (inputs, attributes, backend) => {
    const { shape } = input(inputs, 'filter');
    const [height, width, inChannels, outChannels] = shape as [number, number, number, number];
    const terms = height * width * inChannels;
    if (terms < SPLIT_FROM) return native(inputs, attributes, backend);
    const [batch, ...image] = input(inputs, 'x').shape as [number, number, number, number];
    const pixels = height === 1 && width === 1 ? image[0] * image[1] : 1;
    return unsplit(backend, batch * pixels * outChannels, () => native(inputs, attributes, backend));
  };

function outputs(inputs: Record<string, TensorInfo>, attributes: Record<string, unknown>): number {
  const a = input(inputs, 'a').shape;
  const b = input(inputs, 'b').shape;
  const batch = backend_util.assertAndGetBroadcastShape(a.slice(0, -2), b.slice(0, -2));
  const rows = a.at(attributes['transposeA'] === true ? -1 : -2) as number;
  const columns = b.at(attributes['transposeB'] === true ? -2 : -1) as number;
  return batch.reduce((product, size) => product * size, rows * columns);
}

/** Results as small as the backend would split have another program; so have those of 128 numbers at most. */
function unsplit<T>(backend: WebGPUBackend, size: number, f: () => T): T {
  const mostTiles = 2 * backend.thresholdToIncreaseWorkgroups;
  if (size <= 128 || size > mostTiles * 32 * 32 || env().getNumber(FLAG) >= 0) return f();
  env().set(FLAG, SMALL_OUTPUT);
  try {
    return f();
  } finally {
    env().set(FLAG, -1);
  }
}
