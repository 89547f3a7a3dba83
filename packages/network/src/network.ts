import {
  averagePool,
  batchNormInference,
  batchNormTraining,
  conv2d,
  depthwiseConv2d,
  globalAveragePool,
  maxPool,
  type PendingStatistics,
  untaped,
} from '@bag/ops';
import {
  add,
  clipByValue,
  concat,
  dropout,
  matMul,
  pad,
  relu,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import { type Activation, type Architecture, type ConvUnit, imagesNode } from './architecture.js';
import { countParameters } from './count.js';
import { frozenBeginning } from './freeze.js';
import type { Parameter } from './parameters.js';
import { subsample } from './pooling.js';
import { type Step, stepsOf } from './steps.js';

export interface ApplyOptions {
  /** Whether BatchNorm uses the batch's statistics instead of the running ones. */
  training?: boolean;
  /** Receives the batch's statistics while training; commit them when the step is known to be good. */
  statistics?: PendingStatistics;
  /** Uniform numbers in [0, 1) for dropout while training; wanted by architectures that have any. */
  random?: () => number;
}

/**
 * A network: parameters plus a function. Parameters whose variables are not `trainable` are frozen: a BatchNorm with a
 * frozen γ uses its running statistics, in training too, and keeps them.
 *
 * @example
 * const network = new Network(architecture, createParameters(architecture, xavierUniform, random));
 * const logits = network.apply(images);
 */
export class Network {
  readonly architecture: Architecture;
  readonly parameters: readonly Parameter[];
  /** What the options did, for the log: `zero-γ: 16 of 53 BatchNorms`. */
  readonly notes: readonly string[];
  readonly #variables: Map<string, Variable>;
  readonly #steps: readonly Step[];

  constructor(architecture: Architecture, parameters: readonly Parameter[], notes: readonly string[] = []) {
    this.architecture = architecture;
    this.parameters = parameters;
    this.notes = notes;
    this.#variables = new Map(parameters.map(({ name, variable }) => [name, variable]));
    this.#steps = stepsOf(architecture);
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
   * @throws Error for images of another rank or channel count, or when training without `statistics`, or without
   * `random` where there is dropout.
   */
  apply(images: Tensor4D, { training = false, statistics, random }: ApplyOptions = {}): Tensor2D {
    const { name, head } = this.architecture;
    if (images.rank !== 4 || images.shape[3] !== 3) {
      throw new Error(`${name}: expected images of shape [batch, height, width, 3], got [${images.shape.join(', ')}]`);
    }
    if (training && statistics === undefined) {
      throw new Error(`${name}: training needs \`statistics: new PendingStatistics()\`, to commit after a good step`);
    }
    if (training && head.dropout > 0 && random === undefined) {
      throw new Error(`${name}: training needs \`random\`, a function that gives uniform numbers, for its dropout`);
    }
    const pending = training ? statistics : undefined;
    return tidy(() => {
      const features = globalAveragePool(this.#run(images, pending));
      const kept =
        training && random !== undefined && head.dropout > 0
          ? dropout(features, head.dropout, undefined, 1 + Math.floor(random() * (2 ** 31 - 1)))
          : features;
      const product = matMul(kept, this.#variable(`${head.name}.weight`) as unknown as Tensor2D);
      return add<Tensor2D>(product, this.#variable(`${head.name}.bias`));
    });
  }

  /** Frees the parameters. */
  dispose(): void {
    for (const { variable } of this.parameters) variable.dispose();
  }

  /** The last node's value. Each value is freed after the last step that takes it; the images stay the caller's. */
  #run(images: Tensor4D, statistics: PendingStatistics | undefined): Tensor4D {
    const values = new Map<string, Tensor4D>([[imagesNode, images]]);
    const frozen = this.#frozenBeginning(statistics !== undefined);
    let value = images;
    for (const step of this.#steps) {
      const inputs = step.inputs.map((name) => values.get(name) as Tensor4D);
      // A scope for each step: what the backward pass does not need dies with it. While a tape records, the engine
      // keeps by itself what the backward pass needs; of a frozen beginning, that is nothing.
      value = frozen.has(step.name)
        ? untaped(inputs, () => this.#step(step, inputs, undefined))
        : tidy(() => this.#step(step, inputs, statistics));
      values.set(step.name, value);
      for (const name of step.lastUses) if (name !== imagesNode) (values.get(name) as Tensor).dispose();
    }
    return value;
  }

  #frozenBeginning(training: boolean): ReadonlySet<string> {
    if (!training) return new Set();
    return frozenBeginning(this.architecture.nodes, (name) => this.#variables.get(name)?.trainable === true);
  }

  #step({ node, added }: Step, inputs: Tensor4D[], statistics: PendingStatistics | undefined): Tensor4D {
    const [input, other] = inputs as [Tensor4D, Tensor4D?];
    switch (node.kind) {
      case 'conv':
        return this.#unit(input, node.unit, node, { statistics });
      case 'add':
        if (added !== undefined) return this.#unit(input, added.unit, node, { statistics, residual: other });
        return activated(add<Tensor4D>(input, other as Tensor4D), node.activation);
      case 'concat':
        return concat(inputs, 3);
      case 'maxPool':
        return maxPool(input, { size: node.size, strides: node.stride, padding: node.padding });
      case 'averagePool': {
        const { size, stride: strides, padding, ceil, countPadding } = node;
        return averagePool(input, { size, strides, padding, ceil, countPadding });
      }
      case 'padChannels': {
        const before = Math.floor((node.to - node.from) / 2);
        const channels: [number, number] = [before, node.to - node.from - before];
        return pad(subsample(input, node.stride), [[0, 0], [0, 0], [0, 0], channels]);
      }
    }
  }

  /** Convolution, BatchNorm, then the residual and the activation where there are any. */
  #unit(
    input: Tensor4D,
    unit: ConvUnit,
    { activation }: { activation: Activation },
    { statistics, residual }: { statistics: PendingStatistics | undefined; residual?: Tensor4D | undefined },
  ): Tensor4D {
    const filter = this.#variable(`${unit.name}.weight`) as unknown as Tensor4D;
    const [vertical, horizontal] = unit.padding;
    const convolved = (unit.depthwise ? depthwiseConv2d : conv2d)(input, filter, {
      strides: unit.stride,
      padding: [
        [vertical, vertical],
        [horizontal, horizontal],
      ],
    });
    const x = unit.bias ? add<Tensor4D>(convolved, this.#variable(`${unit.name}.bias`)) : convolved;
    const norm = unit.batchNorm;
    const gamma = this.#vector(`${norm}.weight`);
    const beta = this.#vector(`${norm}.bias`);
    const [runningMean, runningVariance] = [`${norm}.running_mean`, `${norm}.running_var`].map((name) =>
      this.#variable(name),
    ) as [Variable, Variable];
    const { epsilon } = this.architecture;
    const options = { x, gamma, beta, residual, relu: activation === 'relu', epsilon };
    // What is left for another operation to do.
    const rest = activation === 'relu' ? 'none' : activation;
    if (statistics === undefined || !this.#variable(`${norm}.weight`).trainable) {
      const fixed = { mean: runningMean as unknown as Tensor1D, variance: runningVariance as unknown as Tensor1D };
      return activated(batchNormInference({ ...options, ...fixed }), rest);
    }
    const { y, mean, variance } = batchNormTraining(options);
    statistics.add({ runningMean, runningVariance, mean, variance, count: x.size / unit.to });
    return activated(y, rest);
  }

  #variable(name: string): Variable {
    const variable = this.#variables.get(name);
    if (variable === undefined) throw new Error(`${this.architecture.name}: parameter ${name} is missing`);
    return variable;
  }

  #vector(name: string): Tensor1D {
    return this.#variable(name) as unknown as Tensor1D;
  }
}

function activated(x: Tensor4D, activation: Activation): Tensor4D {
  switch (activation) {
    case 'none':
      return x;
    case 'relu':
      return relu(x);
    case 'relu6':
      return clipByValue(x, 0, 6);
  }
}
