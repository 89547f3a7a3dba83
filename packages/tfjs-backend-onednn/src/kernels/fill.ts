import { type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';
import type { Unary } from '../elementwise.js';
import { isNumeric, type NumericDType } from '../storage.js';

const Fill = kernelNumber('Fill');

/** A tensor of one value. */
export function fill(shape: number[], value: number, dtype: NumericDType, backend: OnednnBackend): TensorInfo {
  const call = backend.call(Fill);
  const y = call.output(shape, dtype);
  call.number(value);
  call.run();
  return y;
}

interface Attributes {
  shape: number[];
  value: number | boolean | string;
  dtype?: DataType;
}

function dtypeOf({ value, dtype }: Attributes): DataType {
  return dtype ?? util.inferDtype(value);
}

define<object, Attributes>(
  'Fill',
  (_, attributes, backend) =>
    fill(attributes.shape, Number(attributes.value), dtypeOf(attributes) as NumericDType, backend),
  { takes: (_, attributes) => isNumeric(dtypeOf(attributes)) },
);

define<Unary>('ZerosLike', ({ x }, _, backend) => fill(x.shape, 0, x.dtype as NumericDType, backend));
define<Unary>('OnesLike', ({ x }, _, backend) => fill(x.shape, 1, x.dtype as NumericDType, backend));
