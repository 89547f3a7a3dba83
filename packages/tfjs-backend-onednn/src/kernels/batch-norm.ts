import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';
import { storedAlike } from '../precision.js';

interface Attributes {
  epsilon: number;
  relu: boolean;
  residual: boolean;
}

const Training = kernelNumber('BatchNormTraining');
const TrainingGrad = kernelNumber('BatchNormTrainingGrad');
const Inference = kernelNumber('BatchNormInference');
const RunningStatistics = kernelNumber('RunningStatistics');

interface Inputs {
  x: TensorInfo;
  gamma: TensorInfo;
  beta: TensorInfo;
  residual?: TensorInfo;
}

define<Inputs, Attributes>('BagBatchNormTraining', ({ x, gamma, beta, residual }, { epsilon, relu }, backend) => {
  const call = backend.call(Training);
  const half = storedAlike(backend, x, residual);
  call.operand(x, half);
  call.tensor(gamma);
  call.tensor(beta);
  call.optional(residual, half);
  const y = call.storedOutput(x.shape, half);
  const mean = call.output(gamma.shape);
  const variance = call.output(gamma.shape);
  call.number(epsilon);
  call.flag(relu);
  call.run();
  return [y, mean, variance];
});

interface GradInputs {
  dy: TensorInfo;
  x: TensorInfo;
  mean: TensorInfo;
  variance: TensorInfo;
  gamma: TensorInfo;
  beta: TensorInfo;
  y?: TensorInfo;
}

define<GradInputs, Attributes>(
  'BagBatchNormTrainingGrad',
  ({ dy, x, mean, variance, gamma, beta, y }, { epsilon, relu, residual }, backend) => {
    const call = backend.call(TrainingGrad);
    const half = storedAlike(backend, dy, x, y);
    for (const tensor of [dy, x]) call.operand(tensor, half);
    for (const tensor of [mean, variance, gamma, beta]) call.tensor(tensor);
    call.optional(y, half);
    const outputs = [call.storedOutput(x.shape, half), call.output(gamma.shape), call.output(gamma.shape)];
    call.flag(residual);
    if (residual) outputs.push(call.storedOutput(x.shape, half));
    call.number(epsilon);
    call.flag(relu);
    call.run();
    return outputs;
  },
);

interface GivenStatistics extends Inputs {
  mean: TensorInfo;
  variance: TensorInfo;
}

define<GivenStatistics, Attributes>(
  'BagBatchNormInference',
  ({ x, gamma, beta, residual, mean, variance }, { epsilon, relu }, backend) => {
    const call = backend.call(Inference);
    const half = storedAlike(backend, x, residual);
    call.operand(x, half);
    call.optional(gamma);
    call.optional(beta);
    call.optional(residual, half);
    call.tensor(mean);
    call.tensor(variance);
    const y = call.storedOutput(x.shape, half);
    call.number(epsilon);
    call.flag(relu);
    call.run();
    return y;
  },
);

define<
  Record<'runningMean' | 'runningVariance' | 'mean' | 'variance', TensorInfo>,
  { momentum: number; unbiased: number }
>('BagRunningStatistics', ({ runningMean, runningVariance, mean, variance }, { momentum, unbiased }, backend) => {
  const call = backend.call(RunningStatistics);
  for (const tensor of [runningMean, runningVariance, mean, variance]) call.tensor(tensor);
  const outputs = [call.output(mean.shape), call.output(variance.shape)];
  call.number(momentum);
  call.number(unbiased);
  call.run();
  return outputs;
});

interface FusedInputs {
  x: TensorInfo;
  mean: TensorInfo;
  variance: TensorInfo;
  offset?: TensorInfo | null;
  scale?: TensorInfo | null;
}

/** A vector per channel; parameters of x's shape go to tfjs-backend-cpu. */
function areVectors({ x, mean, variance, offset, scale }: FusedInputs): boolean {
  const channels = x.shape.at(-1);
  return [mean, variance, offset, scale].every(
    (t) => t == null || (t.dtype === 'float32' && t.shape.length === 1 && t.shape[0] === channels),
  );
}

define<FusedInputs, { varianceEpsilon?: number | null }>(
  'FusedBatchNorm',
  ({ x, mean, variance, offset, scale }, { varianceEpsilon }, backend) => {
    const call = backend.call(Inference);
    call.tensor(x);
    call.optional(scale ?? undefined);
    call.optional(offset ?? undefined);
    call.absent();
    call.tensor(mean);
    call.tensor(variance);
    const y = call.output(x.shape);
    call.number(varianceEpsilon ?? 0.001);
    call.flag(false);
    call.run();
    return y;
  },
  { takes: (inputs) => inputs.x.dtype === 'float32' && inputs.x.shape.at(-1) !== 0 && areVectors(inputs) },
);
