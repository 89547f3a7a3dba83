import {
  add,
  keep,
  mul,
  type NamedTensorMap,
  type Tensor,
  type Tensor1D,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import { runKernel } from './kernel.js';

/** What one BatchNorm learnt about one batch, and where it belongs. */
export interface BatchStatistics {
  /** `[channels]`, assigned at `commit`. */
  runningMean: Variable;
  /** `[channels]`, assigned at `commit`. */
  runningVariance: Variable;
  /** The batch's mean, `[channels]`. */
  mean: Tensor1D;
  /** The batch's biased variance, `[channels]`. */
  variance: Tensor1D;
  /** How many values each mean was taken over: batch · height · width. */
  count: number;
}

/** The attributes of the `BagRunningStatistics` kernel. */
export interface RunningStatisticsAttributes {
  momentum: number;
  /** n/(n − 1), by which the batch's variance is multiplied first. */
  unbiased: number;
}

/**
 * The running statistics of a forward pass, held back until the step is known to be good: a step that overflows is
 * then really skipped.
 *
 * @example
 * const statistics = new PendingStatistics();
 * const logits = network.apply(images, { training: true, statistics });
 * if (finite) statistics.commit();
 * else statistics.discard();
 */
export class PendingStatistics {
  #pending: BatchStatistics[] = [];

  /** The number of BatchNorms waiting. */
  get size(): number {
    return this.#pending.length;
  }

  /** Takes over `mean` and `variance`: they live until `commit` or `discard`, whatever scope made them. */
  add(statistics: BatchStatistics): void {
    keep(statistics.mean);
    keep(statistics.variance);
    this.#pending.push(statistics);
  }

  /**
   * running ← (1 − m)·running + m·batch, m = `momentum`, with the unbiased batch variance (n/(n − 1)), as torch has it;
   * in the order of `add`, so that microbatches build on each other.
   */
  commit(momentum = 0.1): void {
    for (const { runningMean, runningVariance, mean, variance, count } of this.#pending) {
      const inputs: NamedTensorMap = { runningMean, runningVariance, mean, variance };
      const attributes: RunningStatisticsAttributes = { momentum, unbiased: count / Math.max(count - 1, 1) };
      tidy(() => {
        const [nextMean, nextVariance] = runKernel('BagRunningStatistics', inputs, attributes, compose) as Tensor[];
        runningMean.assign(nextMean as Tensor);
        runningVariance.assign(nextVariance as Tensor);
      });
    }
    this.discard();
  }

  /** Forgets what is waiting; the running statistics stay as they were. */
  discard(): void {
    for (const { mean, variance } of this.#pending) {
      mean.dispose();
      variance.dispose();
    }
    this.#pending = [];
  }
}

function compose({ runningMean, runningVariance, mean, variance }: NamedTensorMap, attrs: unknown): Tensor[] {
  const { momentum, unbiased } = attrs as RunningStatisticsAttributes;
  const blend = (running: Tensor, batch: Tensor) => add(mul(running, 1 - momentum), mul(batch, momentum));
  return [
    blend(runningMean as Tensor, mean as Tensor),
    blend(runningVariance as Tensor, mul(variance as Tensor, unbiased)),
  ];
}
