/** How much of the mean stays at each step: it looks back about fifty steps. */
const memory = 0.98;

/**
 * The exponential mean of a value that jumps from step to step, m ← 0.98·m + 0.02·x, divided by 1 − 0.98ⁿ after n steps:
 * so the first values weigh no more than later ones. A value that is not finite, of a step that overflowed, is left out.
 */
export class RunningMean {
  #sum = 0;
  #weight = 0;

  /** @returns The mean with this value in it. */
  add(value: number): number {
    if (!Number.isFinite(value)) return this.#weight === 0 ? value : this.#sum / this.#weight;
    this.#sum = memory * this.#sum + (1 - memory) * value;
    this.#weight = memory * this.#weight + (1 - memory);
    return this.#sum / this.#weight;
  }
}
