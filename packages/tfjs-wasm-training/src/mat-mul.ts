import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { input, release, transposed, type WasmKernel } from './heap.js';

/**
 * Wraps `BatchMatMul` or `_FusedMatMul` of the backend, which is fast only where nothing is transposed: here a
 * transposed operand is transposed first, in memory.
 */
export function matMul(native: WasmKernel): WasmKernel {
  return (inputs, attributes, backend) => {
    const { transposeA, transposeB } = attributes as { transposeA?: boolean; transposeB?: boolean };
    if (!transposeA && !transposeB) return native(inputs, attributes, backend);
    const a = operand(backend, input(inputs, 'a'), transposeA);
    const b = operand(backend, input(inputs, 'b'), transposeB);
    const result = native(
      { ...inputs, a: a.tensor, b: b.tensor },
      { ...attributes, transposeA: false, transposeB: false },
      backend,
    );
    release(backend, ...[a, b].filter(({ own }) => own).map(({ tensor }) => tensor));
    return result;
  };
}

function operand(
  backend: BackendWasm,
  tensor: TensorInfo,
  transpose: boolean | undefined,
): { tensor: TensorInfo; own: boolean } {
  return transpose ? { tensor: transposed(backend, tensor), own: true } : { tensor, own: false };
}
