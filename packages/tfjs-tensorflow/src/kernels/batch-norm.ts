import { add, mul, relu as coreRelu, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { attributesFor, type NodeBackend, type TensorFlowKernel } from './operation.js';

interface BatchNormAttributes {
  epsilon: number;
  relu: boolean;
  residual: boolean;
}

// What the operation keeps for its gradient is σ² on processors, and something else on GPUs: there it is composed.

/**
 * `BagBatchNormTraining` of `@bag/ops` by TensorFlow's own operation: y = relu(γ·(x − μ)/√(σ² + ε) + β + residual), with
 * the batch's μ and biased σ².
 */
export const batchNormTraining: TensorFlowKernel<Tensor[]> = (inputs, attributes, backend) => {
  const { x, gamma, beta, residual } = inputs as Record<'x' | 'gamma' | 'beta', Tensor> & { residual?: Tensor };
  const { relu } = attributes as unknown as BatchNormAttributes;
  return tidy(() => {
    // Statistics are taken of the batch where none are given.
    const none = tensor1d([], 'float32');
    const outputs = run('FusedBatchNorm', [x, gamma, beta, none, none], attributes, backend);
    // The second output's variance is the unbiased one; what is kept for the gradient is the other.
    const [normalised, mean, , , variance] = outputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const sum = residual === undefined ? normalised : add(normalised, residual);
    return [relu ? coreRelu(sum) : sum, mean, variance];
  });
};

/** `BagBatchNormTrainingGrad` of `@bag/ops`; the ReLU's mask is y > 0, dresidual is the masked dy. */
export const batchNormTrainingGrad: TensorFlowKernel<Tensor[]> = (inputs, attributes, backend) => {
  const { dy, x, mean, variance, gamma, y } = inputs;
  const { relu, residual } = attributes as unknown as BatchNormAttributes;
  return tidy(() => {
    const { float } = attributesFor(backend);
    const masked = () => backend.executeSingleOutput('ReluGrad', [float('T')], [dy, y] as Tensor[]);
    const g = relu ? masked() : (dy as Tensor);
    const operands = [g, x, gamma, mean, variance] as Tensor[];
    const [dx, dGamma, dBeta] = run('FusedBatchNormGrad', operands, attributes, backend);
    return [dx, dGamma, dBeta, ...(residual ? [relu ? g : mul(g, 1)] : [])] as Tensor[];
  });
};

function run(name: string, operands: Tensor[], attributes: Record<string, unknown>, backend: NodeBackend): Tensor[] {
  const { float, real, text, flag } = attributesFor(backend);
  const { epsilon } = attributes as unknown as BatchNormAttributes;
  const given = [float('T'), real('epsilon', epsilon), text('data_format', 'NHWC'), flag('is_training', true)];
  return backend.executeMultipleOutputs(name, given, operands, 5);
}
