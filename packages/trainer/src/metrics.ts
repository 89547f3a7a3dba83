/**
 * Sums of a pass over batches, and the averages they give.
 *
 * @example
 * const metrics = new Metrics();
 * metrics.add(0.7, [0.1, 0.9], [1]);
 * metrics.result(); // { loss: 0.7, top1: 1, top5: 1 }
 */
export class Metrics {
  #examples = 0;
  #lossSum = 0;
  #top1 = 0;
  #top5 = 0;

  /**
   * @param loss The batch's mean loss.
   * @param logits `[batch, classes]` in row-major order.
   * @param labels `[batch]`, class numbers.
   */
  add(loss: number, logits: ArrayLike<number>, labels: ArrayLike<number>): void {
    const classes = logits.length / labels.length;
    this.#examples += labels.length;
    this.#lossSum += loss * labels.length;
    for (let i = 0; i < labels.length; i++) {
      const rank = rankOf(logits, i * classes, classes, labels[i] as number);
      if (rank < 1) this.#top1++;
      if (rank < 5) this.#top5++;
    }
  }

  get examples(): number {
    return this.#examples;
  }

  /** Mean loss, and the shares in [0, 1] of examples whose label is the best, or among the best five. */
  result(): { loss: number; top1: number; top5: number } {
    const n = Math.max(this.#examples, 1);
    return { loss: this.#lossSum / n, top1: this.#top1 / n, top5: this.#top5 / n };
  }
}

/** How many classes come before `label`. A NaN among the logits counts against it: such a prediction is no hit. */
function rankOf(logits: ArrayLike<number>, offset: number, classes: number, label: number): number {
  const own = logits[offset + label] as number;
  let rank = 0;
  for (let k = 0; k < classes; k++) {
    if (k === label) continue;
    const other = logits[offset + k] as number;
    // Equal logits keep the order of the classes, so that a constant network scores by chance, not 100 %.
    if (!(other < own) && !(other === own && k > label)) rank++;
  }
  return rank;
}
