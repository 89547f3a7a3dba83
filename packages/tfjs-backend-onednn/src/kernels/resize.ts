import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';
import type { NumericDType } from '../storage.js';

const ResizeBilinear = kernelNumber('ResizeBilinear');
const ResizeNearestNeighbor = kernelNumber('ResizeNearestNeighbor');
const ResizeGrad = kernelNumber('ResizeGrad');

interface Attributes {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

interface Input {
  images: TensorInfo;
}

function resize(
  kernel: number,
  dtype: NumericDType,
  images: TensorInfo,
  { size: [height, width], alignCorners, halfPixelCenters }: Attributes & { size: [number, number] },
  backend: OnednnBackend,
): TensorInfo {
  const [batch, , , channels] = images.shape as [number, number, number, number];
  const call = backend.call(kernel);
  call.tensor(images);
  const y = call.output([batch, height, width, channels], dtype);
  call.flag(alignCorners);
  call.flag(halfPixelCenters);
  call.run();
  return y;
}

define<Input, Attributes & { size: [number, number] }>('ResizeBilinear', ({ images }, attributes, backend) =>
  resize(ResizeBilinear, 'float32', images, attributes, backend),
);

define<Input, Attributes & { size: [number, number] }>('ResizeNearestNeighbor', ({ images }, attributes, backend) =>
  resize(ResizeNearestNeighbor, images.dtype as NumericDType, images, attributes, backend),
);

for (const [name, nearest] of [
  ['ResizeBilinearGrad', false],
  ['ResizeNearestNeighborGrad', true],
] as const) {
  define<Input & { dy: TensorInfo }, Attributes>(
    name,
    ({ images, dy }, { alignCorners, halfPixelCenters }, backend) => {
      const call = backend.call(ResizeGrad);
      call.tensor(dy);
      const dx = call.output(images.shape);
      call.flag(nearest);
      call.flag(alignCorners);
      call.flag(halfPixelCenters);
      call.run();
      return dx;
    },
    { takes: ({ images, dy }) => dy.dtype === 'float32' && images.dtype === 'float32' },
  );
}
