import { type DataType, getKernel, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/** A kernel of the wasm backend: tensors by name and attributes in, fresh tensors out. */
export type WasmKernel = (
  inputs: Record<string, TensorInfo>,
  attributes: Record<string, unknown>,
  backend: BackendWasm,
) => TensorInfo | TensorInfo[];

/** The tensor an input's name stands for; kernels are only called with the inputs that they document. */
export function input(inputs: Record<string, TensorInfo>, name: string): TensorInfo {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`wasm kernel: input ${name} is missing`);
  return tensor;
}

/**
 * A tensor's values, in place. Views die when the heap grows: make every output first, then take the views.
 */
export function floats(backend: BackendWasm, tensor: TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(tensor) as Float32Array;
}

export function output(backend: BackendWasm, shape: number[], dtype: DataType = 'float32'): TensorInfo {
  return backend.makeOutput(shape, dtype);
}

export function release(backend: BackendWasm, ...tensors: TensorInfo[]): void {
  for (const { dataId } of tensors) backend.disposeData(dataId);
}

/** Runs another kernel of the backend; its output belongs to the caller. */
export function call(
  name: string,
  inputs: Record<string, TensorInfo>,
  attributes: object,
  backend: BackendWasm,
): TensorInfo {
  return getKernel(name, 'wasm').kernelFunc({ inputs, attrs: attributes as NamedAttrMap, backend }) as TensorInfo;
}

/** Swaps the last two axes: `[..., rows, columns]` → `[..., columns, rows]`. */
export function transposed(backend: BackendWasm, matrix: TensorInfo): TensorInfo {
  const rank = matrix.shape.length;
  const rows = matrix.shape[rank - 2] as number;
  const columns = matrix.shape[rank - 1] as number;
  const result = output(backend, [...matrix.shape.slice(0, -2), columns, rows]);
  const from = floats(backend, matrix);
  const to = floats(backend, result);
  const tile = 16; // both sides of a tile stay in the first cache
  for (let base = 0; base < from.length; base += rows * columns) {
    for (let top = 0; top < rows; top += tile) {
      const bottom = Math.min(top + tile, rows);
      for (let left = 0; left < columns; left += tile) {
        const right = Math.min(left + tile, columns);
        for (let c = left; c < right; c++) {
          for (let r = top; r < bottom; r++) to[base + c * rows + r] = from[base + r * columns + c] as number;
        }
      }
    }
  }
  return result;
}
