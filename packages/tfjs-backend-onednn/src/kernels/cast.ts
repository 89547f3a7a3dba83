import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';
import type { Unary } from '../elementwise.js';
import { isNumeric, type NumericDType } from '../storage.js';

const Cast = kernelNumber('Cast');

/** The same values under another dtype; an alias where there is nothing to change. */
function cast(x: TensorInfo, dtype: NumericDType, backend: OnednnBackend): TensorInfo {
  if (x.dtype === dtype) return backend.alias(x, x.shape, dtype);
  const call = backend.call(Cast);
  call.stored(x);
  const y = call.output(x.shape, dtype);
  call.run();
  return y;
}

/** Calls `f` with the values as float32, for kernels whose result is float32 whatever they are given. */
export function asFloat(x: TensorInfo, backend: OnednnBackend, f: (floats: TensorInfo) => TensorInfo): TensorInfo {
  if (x.dtype === 'float32') return f(x);
  const floats = cast(x, 'float32', backend);
  try {
    return f(floats);
  } finally {
    backend.disposeData(floats.dataId);
  }
}

define<Unary, { dtype: DataType }>('Cast', ({ x }, { dtype }, backend) => cast(x, dtype as NumericDType, backend), {
  takes: (_, { dtype }) => isNumeric(dtype),
});
