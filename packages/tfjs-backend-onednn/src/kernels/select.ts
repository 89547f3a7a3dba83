import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';
import type { NumericDType } from '../storage.js';

interface Inputs {
  condition: TensorInfo;
  t: TensorInfo;
  e: TensorInfo;
}

const Select = kernelNumber('Select');

/** A condition of one axis chooses along the first one, one of none chooses everything. */
define<Inputs>(
  'Select',
  ({ condition, t, e }, _, backend) => {
    const { shape } = t;
    const rows = condition.shape.length === 1 && shape.length > 1;
    const seenAs = rows ? [...condition.shape, ...Array<number>(shape.length - 1).fill(1)] : condition.shape;
    const call = backend.call(Select);
    call.tensor(condition, seenAs);
    call.stored(t);
    call.stored(e);
    const y = call.storedOutput(shape, backend.resultFormat, t.dtype as NumericDType);
    call.run();
    return y;
  },
  {
    takes: ({ condition, t, e }) =>
      condition.dtype === 'bool' && t.dtype === e.dtype && util.arraysEqual(t.shape, e.shape),
  },
);
