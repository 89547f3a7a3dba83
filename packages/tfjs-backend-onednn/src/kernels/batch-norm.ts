import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernelNumber } from '../call.js';
import { define } from '../define.js';

interface Attributes {
  epsilon: number;
  relu: boolean;
  residual: boolean;
}

const Training = kernelNumber('BatchNormTraining');
const TrainingGrad = kernelNumber('BatchNormTrainingGrad');
const Inference = kernelNumber('BatchNormInference');

interface Inputs {
  x: TensorInfo;
  gamma: TensorInfo;
  beta: TensorInfo;
  residual?: TensorInfo;
}

define<Inputs, Attributes>('BagBatchNormTraining', ({ x, gamma, beta, residual }, { epsilon, relu }, backend) => {
  const call = backend.call(Training);
  call.tensor(x);
  call.tensor(gamma);
  call.tensor(beta);
  call.optional(residual);
  const y = call.output(x.shape);
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
    for (const tensor of [dy, x, mean, variance, gamma, beta]) call.tensor(tensor);
    call.optional(y);
    const outputs = [call.output(x.shape), call.output(gamma.shape), call.output(gamma.shape)];
    call.flag(residual);
    if (residual) outputs.push(call.output(x.shape));
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
    call.tensor(x);
    call.tensor(gamma);
    call.tensor(beta);
    call.optional(residual);
    call.tensor(mean);
    call.tensor(variance);
    const y = call.output(x.shape);
    call.number(epsilon);
    call.flag(relu);
    call.run();
    return y;
  },
);
