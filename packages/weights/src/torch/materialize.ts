import { bytesPerElement, decodeElements } from '../elements.js';
import { sizeOf, type StoredTensor } from '../stored.js';
import type { TensorView } from './values.js';

/** A strided view's values in row-major order; float32 that lies so already is not copied. */
export function materialize(view: TensorView, data: Uint8Array, littleEndian: boolean): StoredTensor {
  const { storage, offset, strides } = view;
  const shape = [...view.shape];
  const size = sizeOf(shape);
  const each = bytesPerElement[storage.type];
  const decode = (from: number, to: number) =>
    decodeElements(data.subarray(from * each, to * each), storage.type, littleEndian);
  if (size === 0) return { shape, values: new Float32Array(0) };
  if (isContiguous(shape, strides)) return { shape, values: decode(offset, offset + size) };
  const span = shape.reduce((sum, n, i) => sum + (n - 1) * (strides[i] as number), 1);
  const values = new Float32Array(size);
  gather(values, decode(offset, offset + span), shape, strides);
  return { shape, values };
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = shape[i] as number;
    if (n !== 1 && strides[i] !== expected) return false;
    expected *= n;
  }
  return true;
}

function gather(values: Float32Array, from: Float32Array, shape: readonly number[], strides: readonly number[]): void {
  const last = shape.length - 1;
  const [inner, step] = [shape[last] as number, strides[last] as number];
  const index = new Array<number>(last).fill(0);
  let start = 0;
  for (let to = 0; to < values.length; to += inner) {
    for (let i = 0; i < inner; i++) values[to + i] = from[start + i * step] as number;
    for (let axis = last - 1; axis >= 0; axis--) {
      const stride = strides[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      start += stride;
      if (index[axis] !== shape[axis]) break;
      start -= stride * (shape[axis] as number);
      index[axis] = 0;
    }
  }
}
