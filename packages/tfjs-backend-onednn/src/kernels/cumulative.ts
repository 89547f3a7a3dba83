import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

interface Attributes {
  axis: number;
  exclusive: boolean;
  reverse: boolean;
}

const Cumulate = kernelNumber('Cumulate');

function defineCumulative(name: string, product: boolean): void {
  define<{ x: TensorInfo }, Attributes>(name, ({ x }, { axis, exclusive, reverse }, backend) => {
    const [along = 0] = util.parseAxisParam(axis, x.shape);
    const call = backend.call(Cumulate);
    call.tensor(x);
    const y = call.output(x.shape, x.dtype === 'float32' ? 'float32' : 'int32');
    call.number(along);
    call.flag(product);
    call.flag(exclusive);
    call.flag(reverse);
    call.run();
    return y;
  });
}

defineCumulative('Cumsum', false);
defineCumulative('Cumprod', true);
