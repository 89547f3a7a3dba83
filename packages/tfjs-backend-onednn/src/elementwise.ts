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
  /** Whether the native kernel takes floats in 16 bits, too. */
  walks?: boolean;
}

export interface Binary {
  a: TensorInfo;
  b: TensorInfo;
}

/** The native kernels that take floats in 16 bits, and can give them: those that walk as native/elementwise.h does. */
const walking = new Set<number>();

/** Runs a native kernel of one tensor, which takes `parameters` after its result. */
export function applyUnary(
  kernel: number,
  x: TensorInfo,
  dtype: NumericDType,
  backend: OnednnBackend,
  ...parameters: number[]
): TensorInfo {
  const call = backend.call(kernel);
  if (walking.has(kernel)) call.stored(x);
  else call.tensor(x);
  const y = result(call, kernel, x.shape, dtype, backend);
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
  for (const operand of [a, b]) {
    if (walking.has(kernel)) call.stored(operand);
    else call.tensor(operand);
  }
  const y = result(call, kernel, shape, dtype, backend);
  call.run();
  return y;
}

function result(call: Call, kernel: number, shape: number[], dtype: NumericDType, backend: OnednnBackend): TensorInfo {
  const half = dtype === 'float32' && walking.has(kernel) ? backend.resultFormat : undefined;
  return half === undefined ? call.output(shape, dtype) : call.storedOutput(shape, half);
}

/** Registers kernels of `a` and `b`, native for these dtypes. */
export function defineBinary(
  names: readonly string[],
  dtypes: readonly NumericDType[],
  { result, walks = false }: DefineOptions = {},
): void {
  const takes = ({ a, b }: Binary) => a.dtype === b.dtype && (dtypes as readonly string[]).includes(a.dtype);
  for (const name of names) {
    const kernel = kernelNumber(name);
    if (walks) walking.add(kernel);
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
  { result, walks = false }: DefineOptions = {},
): void {
  const takes = ({ x }: Unary) => (dtypes as readonly string[]).includes(x.dtype);
  for (const name of names) {
    const kernel = kernelNumber(name);
    if (walks) walking.add(kernel);
    define<Unary>(name, ({ x }, _, backend) => applyUnary(kernel, x, result ?? (x.dtype as NumericDType), backend), {
      takes,
    });
  }
}
