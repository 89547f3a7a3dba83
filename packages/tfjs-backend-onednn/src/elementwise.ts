import { broadcast_util, type TensorInfo } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from './backend.js';
import { kernelNumber } from './call.js';
import { define } from './define.js';
import type { NumericDType } from './storage.js';

export interface Unary {
  x: TensorInfo;
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
  call.tensor(x);
  const y = call.output(x.shape, dtype);
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
  call.tensor(a);
  call.tensor(b);
  const y = call.output(shape, dtype);
  call.run();
  return y;
}

/** Registers kernels of `a` and `b`, native for these dtypes; `result` is the dtype of the result, by default theirs. */
export function defineBinary(names: readonly string[], dtypes: readonly NumericDType[], result?: NumericDType): void {
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
export function defineUnary(names: readonly string[], dtypes: readonly NumericDType[], result?: NumericDType): void {
  const takes = ({ x }: Unary) => (dtypes as readonly string[]).includes(x.dtype);
  for (const name of names) {
    const kernel = kernelNumber(name);
    define<Unary>(name, ({ x }, _, backend) => applyUnary(kernel, x, result ?? (x.dtype as NumericDType), backend), {
      takes,
    });
  }
}
