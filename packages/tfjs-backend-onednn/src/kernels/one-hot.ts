import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';
import { isNumeric, type NumericDType } from '../storage.js';

const OneHot = kernelNumber('OneHot');

interface Attributes {
  depth: number;
  onValue: number;
  offValue: number;
  dtype: NumericDType;
}

define<{ indices: TensorInfo }, Attributes>(
  'OneHot',
  ({ indices }, { depth, onValue, offValue, dtype }, backend) => {
    const call = backend.call(OneHot);
    call.tensor(indices);
    const y = call.output([...indices.shape, depth], dtype);
    for (const value of [onValue, offValue]) call.number(dtype === 'float32' ? value : value | 0);
    call.run();
    return y;
  },
  { takes: ({ indices }, { dtype }) => indices.dtype === 'int32' && isNumeric(dtype) },
);
