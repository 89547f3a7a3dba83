import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

export type Paddings = [before: number, after: number][];

const PadV2 = kernelNumber('PadV2');
const MirrorPad = kernelNumber('MirrorPad');

interface Input {
  x: TensorInfo;
}

function start(kernel: number, x: TensorInfo, paddings: Paddings, backend: OnednnBackend) {
  const call = backend.call(kernel);
  call.stored(x);
  const y = call.outputLike(
    x,
    paddings.map(([before, after], i) => before + (x.shape[i] as number) + after),
  );
  call.numbers(paddings.map(([before]) => before));
  return { call, y };
}

export function pad(x: TensorInfo, paddings: Paddings, value: number, backend: OnednnBackend): TensorInfo {
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return backend.alias(x, x.shape, x.dtype);
  const { call, y } = start(PadV2, x, paddings, backend);
  call.number(x.dtype === 'float32' ? value : value | 0);
  call.run();
  return y;
}

define<Input, { paddings: Paddings; constantValue: number }>('PadV2', ({ x }, { paddings, constantValue }, backend) =>
  pad(x, paddings, constantValue, backend),
);

define<Input, { paddings: Paddings; mode: 'reflect' | 'symmetric' }>(
  'MirrorPad',
  ({ x }, { paddings, mode }, backend) => {
    const { call, y } = start(MirrorPad, x, paddings, backend);
    call.flag(mode === 'symmetric');
    call.run();
    return y;
  },
);
