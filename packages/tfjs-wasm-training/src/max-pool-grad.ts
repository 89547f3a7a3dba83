import { backend_util } from '@tensorflow/tfjs-core';
import { floats, input, output, type WasmKernel } from './heap.js';

interface Attributes {
  filterSize: [number, number];
  strides: [number, number];
  pad: 'valid' | 'same' | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** `MaxPoolGrad`: dy goes to the first maximum of its window. The backend's own passes over negative maxima. */
export const maxPoolGrad: WasmKernel = (inputs, attributes, backend) => {
  const { filterSize, strides, pad, dimRoundingMode } = attributes as unknown as Attributes;
  const x = input(inputs, 'input');
  const info = backend_util.computePool2DInfo(
    x.shape as [number, number, number, number],
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const dx = output(backend, x.shape);
  const values = floats(backend, x);
  const dys = floats(backend, input(inputs, 'dy'));
  const to = floats(backend, dx).fill(0);
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, filterHeight, filterWidth, padInfo } = info;
  let out = 0;
  for (let b = 0; b < batchSize; b++) {
    for (let i = 0; i < outHeight; i++) {
      const top = i * info.strideHeight - padInfo.top;
      for (let j = 0; j < outWidth; j++) {
        const left = j * info.strideWidth - padInfo.left;
        for (let c = 0; c < inChannels; c++, out++) {
          let best = -Infinity;
          let at = -1;
          for (let row = Math.max(top, 0); row < Math.min(top + filterHeight, inHeight); row++) {
            for (let column = Math.max(left, 0); column < Math.min(left + filterWidth, inWidth); column++) {
              const place = ((b * inHeight + row) * inWidth + column) * inChannels + c;
              const value = values[place] as number;
              if (!(value > best)) continue;
              best = value;
              at = place;
            }
          }
          if (at >= 0) to[at] = (to[at] as number) + (dys[out] as number);
        }
      }
    }
  }
  return dx;
};
