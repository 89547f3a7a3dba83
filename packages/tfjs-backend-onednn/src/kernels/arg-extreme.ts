import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

interface Input {
  x: TensorInfo;
}

const ArgExtreme = kernelNumber('ArgExtreme');

function defineArgExtreme(name: string, largest: boolean): void {
  define<Input, { axis: number }>(
    name,
    ({ x }, { axis }, backend) => {
      const [along = 0] = util.parseAxisParam(axis, x.shape);
      const call = backend.call(ArgExtreme);
      call.tensor(x);
      const y = call.output(
        x.shape.filter((_, i) => i !== along),
        'int32',
      );
      call.number(along);
      call.flag(largest);
      call.run();
      return y;
    },
    { takes: ({ x }) => !x.shape.includes(0) },
  );
}

defineArgExtreme('ArgMax', true);
defineArgExtreme('ArgMin', false);
