import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Call } from '../call.js';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

interface Attributes {
  smoothing: number;
  spread: 'all' | 'others';
}

const CrossEntropy = kernelNumber('CrossEntropy');
const CrossEntropyGradient = kernelNumber('CrossEntropyGradient');

/** The labels p, and the target distribution off + (on − off)·p. */
function targets(call: Call, labels: TensorInfo, { shape }: TensorInfo, { smoothing, spread }: Attributes): void {
  const classes = shape[1] as number;
  const off = smoothing / (spread === 'all' ? classes : Math.max(classes - 1, 1));
  call.tensor(labels);
  call.number(spread === 'all' ? 1 - smoothing + off : 1 - smoothing);
  call.number(off);
}

interface Inputs {
  logits: TensorInfo;
  labels: TensorInfo;
}

define<Inputs, Attributes>('BagCrossEntropy', ({ logits, labels }, attributes, backend) => {
  const call = backend.call(CrossEntropy);
  call.tensor(logits);
  targets(call, labels, logits, attributes);
  const rows = logits.shape.slice(0, 1);
  const loss = call.output(rows);
  const logSumExp = call.output(rows);
  call.run();
  return [loss, logSumExp];
});

interface GradInputs extends Inputs {
  dy: TensorInfo;
  logSumExp: TensorInfo;
}

define<GradInputs, Attributes>('BagCrossEntropyGrad', ({ dy, logits, labels, logSumExp }, attributes, backend) => {
  const call = backend.call(CrossEntropyGradient);
  call.tensor(dy);
  call.tensor(logits);
  targets(call, labels, logits, attributes);
  call.tensor(logSumExp);
  const dLogits = call.output(logits.shape);
  call.run();
  return dLogits;
});
