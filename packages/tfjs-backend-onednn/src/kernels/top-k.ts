import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';
import type { NumericDType } from '../storage.js';

const TopK = kernelNumber('TopK');

/** In descending order whether that is asked for or not. */
define<{ x: TensorInfo }, { k: number }>(
  'TopK',
  ({ x }, { k }, backend) => {
    const shape = [...x.shape.slice(0, -1), k];
    const call = backend.call(TopK);
    call.tensor(x);
    const values = call.output(shape, x.dtype as NumericDType);
    const indices = call.output(shape, 'int32');
    call.number(k);
    call.run();
    return [values, indices];
  },
  { takes: ({ x }) => x.shape.length > 0 && !x.shape.includes(0) },
);
