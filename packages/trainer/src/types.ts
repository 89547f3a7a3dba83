import type { PendingStatistics } from '@bag/ops';
import type { Tensor, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs';

/** What a parameter is for; tricks such as no-bias-decay and zero-γ go by it. */
export type Role = 'weight' | 'bias' | 'gamma' | 'beta' | 'runningMean' | 'runningVariance';

export interface Parameter {
  readonly name: string;
  readonly role: Role;
  readonly shape: number[];
  /** The fp32 master value; frozen where it is not `trainable`. */
  readonly variable: Variable;
}

/** How the loop applies a network. */
export interface ApplyOptions {
  /** Whether the batch's own statistics are used, and dropout drops. */
  training?: boolean;
  /** Receives the batch's statistics while training. */
  statistics?: PendingStatistics;
  /** Uniform numbers in [0, 1) for dropout while training. */
  random?: () => number;
}

/** A network is parameters plus a function. */
export interface Network {
  readonly parameters: readonly Parameter[];
  /** @returns Logits `[batch, classes]`, owned by the caller. */
  apply(images: Tensor4D, options?: ApplyOptions): Tensor2D;
  dispose(): void;
}

/** Images as the network takes them, still in JavaScript's memory. */
export interface Batch {
  /** `[batch, height, width, channels]`, normalised, row-major. */
  readonly images: Float32Array;
  /** `[batch]`, class numbers. */
  readonly labels: Int32Array;
  readonly shape: readonly [number, number, number, number];
}

/** Gradients or values by parameter name. */
export type NamedTensors = Record<string, Tensor>;

/**
 * The parameters that an optimiser updates: neither running statistics nor frozen ones, whose variables are not
 * `trainable`.
 *
 * @example
 * const optimizer = sgd({ parameters: trainable(network), rate: 0.1 });
 */
export function trainable(network: Network): Parameter[] {
  return network.parameters.filter(
    ({ role, variable }) => variable.trainable && role !== 'runningMean' && role !== 'runningVariance',
  );
}
