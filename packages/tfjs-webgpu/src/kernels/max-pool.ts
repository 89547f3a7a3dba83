import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { Identity, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { call, input, release, runElements, type WebGpuKernel } from './kernel.js';
import { uniformsOf, type Windows } from './pool.js';

type WindowsOf = (x: TensorInfo, attributes: object) => Windows;

/**
 * Runs through the window of output `index` for its first maximum, `best`, and the place of that in the window, `at`. As
 * TensorFlow.js has it, a NaN is passed over, and where there is nothing else, −∞ at −1 is found.
 */
const search = (integer: boolean) => `
  var place = index / uniforms.channels;
  let channel = index % uniforms.channels;
  let column = place % uniforms.outWidth * uniforms.strideWidth - uniforms.left;
  place = place / uniforms.outWidth;
  let row = place % uniforms.outHeight * uniforms.strideHeight - uniforms.top;
  let image = place / uniforms.outHeight;
  var best = ${integer ? '-0x7fffffff' : '-uniforms.INFINITY'};
  var at = -1;
  for (var i = max(0, -row); i < min(uniforms.filterHeight, uniforms.inHeight - row); i++) {
    for (var j = max(0, -column); j < min(uniforms.filterWidth, uniforms.inWidth - column); j++) {
      let pixel = (image * uniforms.inHeight + row + i) * uniforms.inWidth + column + j;
      let value = x[pixel * uniforms.channels + channel];
      if (${integer ? '' : '!isnan(value) && '}value > best) {
        best = value;
        at = i * uniforms.filterWidth + j;
      }
    }
  }`;

/** The maximum of each window. The backend's own starts from −10²⁰, and takes what is less for that. */
export const maxPool =
  (windowsOf: WindowsOf): WebGpuKernel =>
  (inputs, attributes, backend) => {
    const x = input(inputs, 'x');
    const windows = windowsOf(x, attributes);
    // Also where that moves the image: as TensorFlow.js has it.
    const same = windows.filter.every((size) => size === 1) && util.arraysEqual(windows.inShape, windows.outShape);
    if (same) return call(Identity, { x }, {}, backend);
    const integer = x.dtype === 'int32';
    const code = `fn element(index : i32) -> ${integer ? 'i32' : 'f32'} { ${search(integer)} return best; }`;
    return runElements(backend, {
      name: 'maxPool',
      shape: windows.outShape,
      dtype: x.dtype,
      inputs: { x },
      uniforms: uniformsOf(windows),
      code,
    });
  };

/** Its gradient: dy goes to the first maximum of its window. The backend's own gives it to the last. */
export const maxPoolGrad =
  (windowsOf: WindowsOf, name: string): WebGpuKernel =>
  (inputs, attributes, backend) => {
    const x = input(inputs, name);
    const windows = windowsOf(x, attributes);
    const places = runElements(backend, {
      name: `maxPoolPlaces_${x.dtype}`,
      shape: windows.outShape,
      dtype: 'int32',
      inputs: { x },
      uniforms: uniformsOf(windows),
      code: `fn element(index : i32) -> i32 { ${search(x.dtype === 'int32')} return at; }`,
    });
    const dx = gather(backend, input(inputs, 'dy'), places, windows);
    release(backend, places);
    return dx;
  };

/** For each pixel the dy of those windows whose maximum it is. */
function gather(backend: WebGPUBackend, dy: TensorInfo, places: TensorInfo, windows: Windows): TensorInfo {
  const code = `
    fn element(index : i32) -> f32 {
      var place = index / uniforms.channels;
      let channel = index % uniforms.channels;
      let column = place % uniforms.inWidth + uniforms.left;
      place = place / uniforms.inWidth;
      let row = place % uniforms.inHeight + uniforms.top;
      let image = place / uniforms.inHeight;
      var sum = 0.0;
      for (var i = row % uniforms.strideHeight; i < uniforms.filterHeight && i <= row; i += uniforms.strideHeight) {
        let windowRow = (row - i) / uniforms.strideHeight;
        if (windowRow >= uniforms.outHeight) { continue; }
        for (var j = column % uniforms.strideWidth; j < uniforms.filterWidth && j <= column; j += uniforms.strideWidth) {
          let windowColumn = (column - j) / uniforms.strideWidth;
          if (windowColumn >= uniforms.outWidth) { continue; }
          let window = (image * uniforms.outHeight + windowRow) * uniforms.outWidth + windowColumn;
          if (places[window * uniforms.channels + channel] == i * uniforms.filterWidth + j) {
            sum += dy[window * uniforms.channels + channel];
          }
        }
      }
      return sum;
    }`;
  return runElements(backend, {
    name: 'maxPoolGrad',
    shape: windows.inShape,
    dtype: 'float32',
    inputs: { dy, places },
    uniforms: uniformsOf(windows),
    code,
  });
}
