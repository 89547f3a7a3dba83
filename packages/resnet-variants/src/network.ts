import {
  batchNormInference,
  batchNormTraining,
  conv2d,
  globalAveragePool,
  maxPool,
  type PendingStatistics,
} from '@bag/ops';
import {
  add,
  type Tensor,
  matMul,
  pad,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import type { Architecture, Block, ConvUnit, Shortcut } from './architecture.js';
import { countParameters } from './count.js';
import type { Parameter } from './parameters.js';
import { averagePool, subsample } from './pooling.js';

export interface ApplyOptions {
  /** Whether BatchNorm uses the batch's statistics instead of the running ones. */
  training?: boolean;
  /** Receives the batch's statistics while training; commit them when the step is known to be good. */
  statistics?: PendingStatistics;
}

/**
 * A residual network: parameters plus a function.
 *
 * @example
 * const network = new ResNet(architecture, createParameters(architecture, xavierUniform, random));
 * const logits = network.apply(images);
 */
export class ResNet {
  readonly architecture: Architecture;
  readonly parameters: readonly Parameter[];
  /** What the options did, for the log: `zero-γ: 16 of 53 BatchNorms`. */
  readonly notes: readonly string[];
  readonly #variables: Map<string, Variable>;

  constructor(architecture: Architecture, parameters: readonly Parameter[], notes: readonly string[] = []) {
    this.architecture = architecture;
    this.parameters = parameters;
    this.notes = notes;
    this.#variables = new Map(parameters.map(({ name, variable }) => [name, variable]));
  }

  /** Trainable parameters. */
  get parameterCount(): number {
    return countParameters(this.architecture);
  }

  /**
   * The logits of a batch of images.
   *
   * @param images `[batch, height, width, 3]`, normalised, float32; any size that survives the strides.
   * @returns `[batch, classes]`, owned by the caller.
   * @throws Error for images of another rank or channel count, or when training without `statistics`.
   */
  apply(images: Tensor4D, { training = false, statistics }: ApplyOptions = {}): Tensor2D {
    if (images.rank !== 4 || images.shape[3] !== 3) {
      throw new Error(`ResNet: expected images of shape [batch, height, width, 3], got [${images.shape.join(', ')}]`);
    }
    if (training && statistics === undefined) {
      throw new Error('ResNet: training needs `statistics: new PendingStatistics()`, to commit after a good step');
    }
    const pass = { ...(training && statistics !== undefined && { statistics }) };
    return tidy(() => {
      let x = images;
      for (const unit of this.architecture.stem) x = scoped(x, images, (input) => this.#unit(input, unit, pass));
      if (this.architecture.maxPool) {
        x = scoped(x, images, (input) => maxPool(input, { size: 3, strides: 2, padding: 1 }));
      }
      // A scope for each block: what the backward pass does not need dies with it.
      for (const block of this.architecture.blocks) x = scoped(x, images, (input) => this.#block(input, block, pass));
      const features = globalAveragePool(x);
      return add<Tensor2D>(
        matMul(features, this.#variable('fc.weight') as unknown as Tensor2D),
        this.#variable('fc.bias'),
      );
    });
  }

  /** Frees the parameters. */
  dispose(): void {
    for (const { variable } of this.parameters) variable.dispose();
  }

  #block(x: Tensor4D, { units, shortcut }: Block, pass: Pass): Tensor4D {
    const residual = this.#shortcut(x, shortcut, pass);
    return units.reduce(
      (input, unit, i) => this.#unit(input, unit, i === units.length - 1 ? { ...pass, residual } : pass),
      x,
    );
  }

  #shortcut(x: Tensor4D, shortcut: Shortcut, pass: Pass): Tensor4D {
    switch (shortcut.kind) {
      case 'identity':
        return x;
      case 'projection':
        return this.#unit(shortcut.pool === 1 ? x : averagePool(x, shortcut.pool), shortcut.unit, {
          ...pass,
          relu: false,
        });
      case 'pad': {
        const { stride, from, to } = shortcut;
        const before = Math.floor((to - from) / 2);
        return pad(subsample(x, stride), [
          [0, 0],
          [0, 0],
          [0, 0],
          [before, to - from - before],
        ]);
      }
    }
  }

  /** Convolution, BatchNorm, then the residual and ReLU where there are any. */
  #unit(input: Tensor4D, unit: ConvUnit, { statistics, residual, relu = true }: Pass): Tensor4D {
    const convolved = conv2d(input, this.#variable(`${unit.name}.weight`) as unknown as Tensor4D, {
      strides: unit.stride,
      padding: unit.padding,
    });
    const x = unit.bias ? add<Tensor4D>(convolved, this.#variable(`${unit.name}.bias`)) : convolved;
    const norm = unit.batchNorm;
    const gamma = this.#vector(`${norm}.weight`);
    const beta = this.#vector(`${norm}.bias`);
    const runningMean = this.#variable(`${norm}.running_mean`);
    const runningVariance = this.#variable(`${norm}.running_var`);
    if (statistics === undefined) {
      const fixed = { mean: runningMean as unknown as Tensor1D, variance: runningVariance as unknown as Tensor1D };
      return batchNormInference({ x, gamma, beta, residual, relu, ...fixed });
    }
    const { y, mean: batchMean, variance } = batchNormTraining({ x, gamma, beta, residual, relu });
    const count = x.size / unit.to;
    statistics.add({ runningMean, runningVariance, mean: batchMean, variance, count });
    return y;
  }

  #variable(name: string): Variable {
    const variable = this.#variables.get(name);
    if (variable === undefined) throw new Error(`ResNet: parameter ${name} is missing`);
    return variable;
  }

  #vector(name: string): Tensor1D {
    return this.#variable(name) as unknown as Tensor1D;
  }
}

interface Pass {
  statistics?: PendingStatistics;
  residual?: Tensor4D;
  relu?: boolean;
}

/** Runs a part of the network in a scope of its own and frees its input, unless that is the caller's. */
function scoped(input: Tensor4D, images: Tensor4D, f: (input: Tensor4D) => Tensor4D): Tensor4D {
  const result = tidy(() => f(input));
  // While a tape records, the engine keeps by itself what the backward pass needs.
  if ((input as Tensor) !== images) input.dispose();
  return result;
}
