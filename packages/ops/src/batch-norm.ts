import {
  add,
  div,
  engine,
  mean as coreMean,
  mul,
  type NamedTensorMap,
  relu as coreRelu,
  rsqrt,
  square,
  step,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { mayRelease, present, registerGradientOnce, runKernel } from './kernel.js';

export interface BatchNormOptions {
  /** `[batch, height, width, channels]`, float32. */
  x: Tensor4D;
  /** Scale γ, `[channels]`. */
  gamma: Tensor1D;
  /** Shift β, `[channels]`. */
  beta: Tensor1D;
  /** Added to the normalised value before the ReLU: the other arm of a residual block, of x's shape. */
  residual?: Tensor4D | undefined;
  /** Whether max(0, ·) is applied last. */
  relu?: boolean;
  /** ε in the denominator; 1e-5 as torch has it. */
  epsilon?: number;
}

export interface BatchNormTraining {
  /** The output, of x's shape. */
  y: Tensor4D;
  /** Mean over batch, height and width, `[channels]`. No gradient flows through it. */
  mean: Tensor1D;
  /** Biased variance over the same axes, `[channels]`. No gradient flows through it. */
  variance: Tensor1D;
}

/** The attributes of the `BagBatchNormTraining` kernel. */
export interface BatchNormAttributes {
  epsilon: number;
  relu: boolean;
  /** Whether there is a residual, so that its gradient is made only then. */
  residual: boolean;
}

const AXES = [0, 1, 2];

/**
 * Batch normalisation with the batch's own statistics, and what follows it in a residual network, in one operation:
 * y = relu(γ · (x − μ)/√(σ² + ε) + β + residual), μ = `mean`, σ² = `variance` over batch, height and width.
 *
 * Running statistics are not touched: hand `mean` and `variance` to `PendingStatistics`.
 *
 * @returns `{y, mean, variance}`, owned by the caller. `x`, `residual` are left alone.
 * @throws Error where a shape does not fit x's channels, or x is empty.
 * Source: Ioffe & Szegedy 2015, algorithm 1; backward as derived there in section 3.
 * @example
 * const { y, mean } = batchNormTraining({ x, gamma: tf.ones([8]), beta: tf.zeros([8]), relu: true });
 */
export function batchNormTraining({
  x,
  gamma,
  beta,
  residual,
  relu = false,
  epsilon = 1e-5,
}: BatchNormOptions): BatchNormTraining {
  check('batchNormTraining', x, { gamma, beta }, residual);
  if (x.size === 0)
    throw new Error(`batchNormTraining: expected values to take statistics of, got x of shape [${x.shape.join(', ')}]`);
  const attributes: BatchNormAttributes = { epsilon, relu, residual: residual !== undefined };
  const outputs = runKernel('BagBatchNormTraining', present({ x, gamma, beta, residual }), attributes, composeForward);
  const [y, mean, variance] = outputs as [Tensor4D, Tensor1D, Tensor1D];
  return { y, mean, variance };
}

/**
 * Batch normalisation with given statistics (inference, frozen layers):
 * y = relu(γ · (x − μ)/√(σ² + ε) + β + residual). Differentiable in x, γ, β and residual.
 *
 * @returns y, of x's shape, owned by the caller.
 * @throws Error where a shape does not fit x's channels.
 * Source: Ioffe & Szegedy 2015, algorithm 2.
 * @example
 * const y = batchNormInference({ x, gamma, beta, mean: runningMean, variance: runningVariance });
 */
export function batchNormInference({
  x,
  gamma,
  beta,
  mean,
  variance,
  residual,
  relu = false,
  epsilon = 1e-5,
}: BatchNormOptions & { mean: Tensor1D; variance: Tensor1D }): Tensor4D {
  check('batchNormInference', x, { gamma, beta, mean, variance }, residual);
  const inputs = present({ x, gamma, beta, mean, variance, residual });
  const attributes: BatchNormAttributes = { epsilon, relu, residual: residual !== undefined };
  // The fused kernel has no gradient: a frozen layer within a differentiated function is composed.
  if (records()) return tidy(() => composeInference(inputs, attributes)) as Tensor4D;
  return runKernel('BagBatchNormInference', inputs, attributes, composeInference) as Tensor4D;
}

registerGradientOnce({
  kernelName: 'BagBatchNormTraining',
  inputsToSave: ['x', 'gamma', 'beta'],
  outputsToSave: [true, true, true],
  gradFunc: (dys, saved, attrs) => {
    const [x, gamma, beta, y, mean, variance] = saved as [Tensor4D, Tensor1D, Tensor1D, Tensor4D, Tensor1D, Tensor1D];
    const [dy] = dys as Tensor[];
    const attributes = attrs as unknown as BatchNormAttributes;
    const release = mayRelease(dy as Tensor);
    const inputs = present({ dy, x, mean, variance, gamma, beta, y: attributes.relu ? y : undefined });
    const outputs = runKernel('BagBatchNormTrainingGrad', inputs, attributes, composeBackward);
    const [dx, dGamma, dBeta, dResidual] = outputs as [Tensor4D, Tensor1D, Tensor1D, Tensor4D?];
    if (release) for (const tensor of [...(dys as Tensor[]), x, y]) tensor.dispose();
    return { x: () => dx, gamma: () => dGamma, beta: () => dBeta, residual: () => dResidual as Tensor4D };
  },
});

function composeInference({ x, gamma, beta, mean, variance, residual }: NamedTensorMap, attrs: unknown): Tensor {
  const { epsilon, relu } = attrs as BatchNormAttributes;
  const scale = mul(gamma as Tensor, rsqrt(add(variance as Tensor, epsilon))); // [C]
  const shifted = add(mul(x as Tensor, scale), sub(beta as Tensor, mul(mean as Tensor, scale)));
  const y = residual === undefined ? shifted : add(shifted, residual);
  return relu ? coreRelu(y) : y;
}

// Inner scopes below free full-size intermediates as soon as the next one is made.

function composeForward({ x, gamma, beta, residual }: NamedTensorMap, attrs: unknown): Tensor[] {
  const { epsilon, relu } = attrs as BatchNormAttributes;
  const mean = coreMean(x as Tensor, AXES); // [C]
  const centred = sub(x as Tensor, mean);
  const variance = tidy(() => coreMean(square(centred), AXES)); // [C]
  const scale = mul(rsqrt(add(variance, epsilon)), gamma as Tensor); // [C]
  const normalised = tidy(() => add(mul(centred, scale), beta as Tensor));
  const output = residual === undefined ? normalised : add(normalised, residual);
  return [relu ? coreRelu(output) : output, mean, variance];
}

/** With g = dy where y > 0: dx = γ·s·(g − mean(g) − x̂·mean(g·x̂)), s = 1/√(σ² + ε), x̂ = (x − μ)·s. */
function composeBackward({ dy, x, mean, variance, gamma, y }: NamedTensorMap, attrs: unknown): Tensor[] {
  const { epsilon, relu, residual } = attrs as BatchNormAttributes;
  const g = relu ? tidy(() => mul(dy as Tensor, step(y as Tensor))) : (dy as Tensor);
  const inverse = rsqrt(add(variance as Tensor, epsilon)); // [C]
  const normalised = tidy(() => mul(sub(x as Tensor, mean as Tensor), inverse));
  const dGamma = tidy(() => sum(mul(g, normalised), AXES));
  const dBeta = sum(g, AXES);
  const count = g.size / Math.max(dBeta.size, 1);
  const shifted = tidy(() => sub(sub(g, div(dBeta, count)), mul(normalised, div(dGamma, count))));
  const dx = mul(shifted, mul(inverse, gamma as Tensor));
  return residual ? [dx, dGamma, dBeta, relu ? g : mul(g, 1)] : [dx, dGamma, dBeta];
}

/** Whether a tape records: a gradient is wanted, and no kernel is running. */
function records(): boolean {
  const { gradientDepth, kernelDepth } = engine().state;
  return gradientDepth > 0 && kernelDepth === 0;
}

function check(name: string, x: Tensor4D, vectors: Record<string, Tensor1D>, residual: Tensor4D | undefined): void {
  const channels = x.shape[3];
  if (x.rank !== 4) {
    throw new Error(`${name}: expected x of shape [batch, height, width, channels], got [${x.shape.join(', ')}]`);
  }
  for (const [key, vector] of Object.entries(vectors)) {
    if (vector.rank !== 1 || vector.shape[0] !== channels) {
      throw new Error(`${name}: expected ${key} of shape [${channels}], got [${vector.shape.join(', ')}]`);
    }
  }
  if (residual !== undefined && residual.shape.join() !== x.shape.join()) {
    throw new Error(
      `${name}: expected a residual of x's shape [${x.shape.join(', ')}], got [${residual.shape.join(', ')}]`,
    );
  }
}
