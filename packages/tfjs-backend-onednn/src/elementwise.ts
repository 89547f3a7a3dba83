import { broadcast_util, type TensorInfo } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from './backend.js';
import { type Call, kernelNumber } from './call.js';
import { define } from './define.js';
import type { NumericDType } from './storage.js';

export interface Unary {
  x: TensorInfo;
}

interface DefineOptions {
  /** The dtype of the result, by default theirs. */
  result?: NumericDType;
}

export interface Binary {
  a: TensorInfo;
  b: TensorInfo;
}

/** Runs a native kernel of one tensor, which takes `parameters` after its result. */
export function applyUnary(
  kernel: number,
  x: TensorInfo,
  dtype: NumericDType,
  backend: OnednnBackend,
  ...parameters: number[]
): TensorInfo {
  const call = backend.call(kernel);
  call.stored(x);
  const y = result(call, x.shape, dtype, backend);
  for (const value of parameters) call.number(value);
  call.run();
  return y;
}

/** Runs a native kernel of two tensors that broadcast. */
export function applyBinary(
  kernel: number,
  a: TensorInfo,
  b: TensorInfo,
  dtype: NumericDType,
  backend: OnednnBackend,
): TensorInfo {
  const shape = broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const call = backend.call(kernel);
  call.stored(a);
  call.stored(b);
  const y = result(call, shape, dtype, backend);
  call.run();
  return y;
}

/** All of these kernels walk as native/elementwise.h does, which sees what is stored in 16 bits as floats. */
function result(call: Call, shape: number[], dtype: NumericDType, backend: OnednnBackend): TensorInfo {
  return call.storedOutput(shape, dtype === 'float32' ? backend.resultFormat : undefined, dtype);
}

/** Registers kernels of `a` and `b`, native for these dtypes. */
export function defineBinary(
  names: readonly string[],
  dtypes: readonly NumericDType[],
  { result }: DefineOptions = {},
): void {
  const takes = ({ a, b }: Binary) => a.dtype === b.dtype && (dtypes as readonly string[]).includes(a.dtype);
  for (const name of names) {
    const kernel = kernelNumber(name);
    define<Binary>(
      name,
      ({ a, b }, _, backend) => applyBinary(kernel, a, b, result ?? (a.dtype as NumericDType), backend),
      { takes },
    );
  }
}

/** Registers kernels of `x`, as `defineBinary`. */
export function defineUnary(
  names: readonly string[],
  dtypes: readonly NumericDType[],
  { result }: DefineOptions = {},
): void {
  const takes = ({ x }: Unary) => (dtypes as readonly string[]).includes(x.dtype);
  for (const name of names) {
    const kernel = kernelNumber(name);
    define<Unary>(name, ({ x }, _, backend) => applyUnary(kernel, x, result ?? (x.dtype as NumericDType), backend), {
      takes,
    });
  }
}
