import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

const RoundTo = kernelNumber('RoundTo');

define<{ x: TensorInfo }, { format: 'float16' | 'bfloat16' }>('BagRoundTo', ({ x }, { format }, backend) => {
  const call = backend.call(RoundTo);
  call.tensor(x);
  const y = call.output(x.shape);
  call.flag(format === 'float16');
  call.run();
  return y;
});
