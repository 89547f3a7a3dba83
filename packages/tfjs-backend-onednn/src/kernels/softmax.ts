import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';
import { kernelNumber } from '../call.js';
import { define, runKernel } from '../define.js';

interface Input {
  logits: TensorInfo;
}

const Softmax = kernelNumber('Softmax');

function overLast(x: TensorInfo, logarithm: boolean, backend: OnednnBackend): TensorInfo {
  const call = backend.call(Softmax);
  call.tensor(x);
  const y = call.output(x.shape);
  call.flag(logarithm);
  call.run();
  return y;
}

/** Over any axis: others than the last are exchanged with it, and back. */
function softmax(logits: TensorInfo, axis: number, logarithm: boolean, backend: OnednnBackend): TensorInfo {
  const rank = logits.shape.length;
  const [along] = util.parseAxisParam(axis, logits.shape) as [number];
  if (along === rank - 1) return overLast(logits, logarithm, backend);
  const perm = logits.shape.map((_, i) => (i === along ? rank - 1 : i === rank - 1 ? along : i));
  const x = runKernel('Transpose', { x: logits }, { perm }, backend);
  const y = overLast(x, logarithm, backend);
  const result = runKernel('Transpose', { x: y }, { perm }, backend);
  for (const { dataId } of [x, y]) backend.disposeData(dataId);
  return result;
}

const takes = ({ logits }: Input) => logits.dtype === 'float32' && logits.shape.length > 0;

define<Input, { dim: number }>('Softmax', ({ logits }, { dim }, backend) => softmax(logits, dim, false, backend), {
  takes,
});
define<Input, { axis: number }>('LogSoftmax', ({ logits }, { axis }, backend) => softmax(logits, axis, true, backend), {
  takes,
});
