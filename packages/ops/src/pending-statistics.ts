import { add, keep, mul, type Tensor, type Tensor1D, tidy, type Variable } from '@tensorflow/tfjs-core';

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
      tidy(() => {
        const unbiased = mul(variance, count / Math.max(count - 1, 1));
        runningMean.assign(blend(runningMean, mean, momentum));
        runningVariance.assign(blend(runningVariance, unbiased, momentum));
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

function blend(running: Tensor, batch: Tensor, momentum: number): Tensor {
  return add(mul(running, 1 - momentum), mul(batch, momentum));
}
