import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { type DataType, sumOutType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { reducing } from './axes.js';
import { input, release, runElements, type WebGpuKernel } from './kernel.js';

/** Terms that one thread adds up. */
const TERMS = 256;

interface Attributes {
  axis: number | number[];
  keepDims: boolean;
}

/**
 * `Sum`, in rounds of at most 256 terms: nearly as exact as in pairs, int32 exactly. The backend's own lets a few threads
 * add up everything, one term after the other, and transposes the whole tensor first where the axes are not the last.
 */
export const sum: WebGpuKernel = (inputs, attributes, backend) => {
  const x = input(inputs, 'x');
  return total(backend, x, attributes as unknown as Attributes, sumOutType(x.dtype) === 'int32' ? 'int32' : 'float32');
};

/** `Mean`, by the same sums. */
export const mean: WebGpuKernel = (inputs, attributes, backend) => {
  const { axis, keepDims } = attributes as unknown as Attributes;
  const x = input(inputs, 'x');
  const { shape } = x;
  const n = util.sizeFromShape(util.parseAxisParam(axis, shape).map((i) => shape[i] as number));
  const sums = total(backend, x, { axis, keepDims }, 'float32');
  const code = 'fn element(index : i32) -> f32 { return x[index] / f32(uniforms.n); }';
  const means = runElements(backend, {
    name: 'mean',
    shape: sums.shape,
    dtype: 'float32',
    inputs: { x: sums },
    uniforms: { n },
    code,
  });
  release(backend, sums);
  return means;
};

function total(backend: WebGPUBackend, x: TensorInfo, { axis, keepDims }: Attributes, dtype: DataType): TensorInfo {
  return reducing(backend, x, axis, keepDims, ({ x: terms, outer, n, inner, shape }) => {
    if (n === 0) return backend.makeTensorInfo(shape, dtype, zeros(shape, dtype));
    return { ...sumMiddle(backend, terms, outer, n, inner, dtype), shape };
  });
}

/** Sums of `[outer, n, inner]` over n: `[outer, inner]`, a tensor of its own. */
export function sumMiddle(
  backend: WebGPUBackend,
  terms: TensorInfo,
  outer: number,
  n: number,
  inner: number,
  dtype: DataType,
): TensorInfo {
  let current = terms;
  let left = n;
  do {
    const parts = Math.ceil(left / TERMS);
    const next = addRound(backend, current, outer, left, inner, parts, dtype);
    if (current !== terms) release(backend, current);
    current = next;
    left = parts;
  } while (left > 1);
  return current;
}

/** `[outer, n, inner]` → `[outer, parts, inner]`. A part has every parts-th term: neighbours read what lies together. */
function addRound(
  backend: WebGPUBackend,
  x: TensorInfo,
  outer: number,
  n: number,
  inner: number,
  parts: number,
  dtype: DataType,
): TensorInfo {
  const type = dtype === 'int32' ? 'i32' : 'f32';
  const code = `
    fn element(index : i32) -> ${type} {
      let column = index % uniforms.inner;
      let row = index / uniforms.inner;
      let group = row / uniforms.parts;
      let base = group * uniforms.n;
      var k = row % uniforms.parts;
      let step = uniforms.parts * uniforms.inner;
      var at = (base + k) * uniforms.inner + column;
      // Four short sums are more exact than a long one.
      var a = ${type}(0);
      var b = ${type}(0);
      var c = ${type}(0);
      var d = ${type}(0);
      for (; k + 3 * uniforms.parts < uniforms.n; k += 4 * uniforms.parts) {
        a += ${type}(x[at]);
        b += ${type}(x[at + step]);
        c += ${type}(x[at + 2 * step]);
        d += ${type}(x[at + 3 * step]);
        at += 4 * step;
      }
      for (; k < uniforms.n; k += uniforms.parts) {
        a += ${type}(x[at]);
        at += step;
      }
      return (a + b) + (c + d);
    }`;
  return runElements(backend, {
    name: 'sum',
    shape: [outer, parts, inner],
    dtype,
    inputs: { x },
    uniforms: { n, inner, parts },
    code,
  });
}

const zeros = (shape: number[], dtype: DataType) =>
  dtype === 'int32' ? new Int32Array(util.sizeFromShape(shape)) : new Float32Array(util.sizeFromShape(shape));
