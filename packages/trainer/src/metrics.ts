/** What the examples of a batch are. */
export interface Truth {
  /** `[batch]`, class numbers. */
  labels: ArrayLike<number>;
  /** The classes that were mixed in, `[batch]`. */
  partnerLabels?: ArrayLike<number>;
  /** λ: the share of `labels`, one for the batch or one per example; `partnerLabels` has the rest. */
  lambda?: number | ArrayLike<number>;
}

/** A mean loss as trained, and where there is a teacher its two terms, each without its weight in the loss. */
export interface Losses {
  loss: number;
  /** Against the labels, smoothed and mixed as configured. */
  hard?: number;
  /** T²·KL, the divergence from the teacher. */
  soft?: number;
}

/**
 * Sums of a pass over batches, and the averages they give. A prediction scores the share that its class has in the
 * example: 1 for the label of a plain one; λ for the label and 1 − λ for the partner's of one that was mixed, and 1 where
 * both are the same. So a perfect network has a top-1 of 1 on plain images, and of the mean of max(λ, 1 − λ) on mixed
 * ones; its top-5 is 1 on both.
 *
 * @example
 * const metrics = new Metrics();
 * metrics.add({ loss: 0.7 }, [0.1, 0.9], { labels: [1] });
 * metrics.add({ loss: 0.7 }, [0.1, 0.9], { labels: [0], partnerLabels: [1], lambda: 0.8 });
 * metrics.result(); // { loss: 0.7, top1: 0.6, top5: 1 }
 */
export class Metrics {
  #examples = 0;
  readonly #losses: Record<string, number> = {};
  #top1 = 0;
  #top5 = 0;

  /**
   * @param loss The batch's mean loss, with its terms by name where it has some.
   * @param logits `[batch, classes]` in row-major order.
   * @param truth What the examples are.
   */
  add(loss: Losses, logits: ArrayLike<number>, { labels, partnerLabels, lambda = 1 }: Truth): void {
    const classes = logits.length / labels.length;
    this.#examples += labels.length;
    for (const [name, value] of Object.entries(loss)) {
      this.#losses[name] = (this.#losses[name] ?? 0) + value * labels.length;
    }
    for (let i = 0; i < labels.length; i++) {
      const share = partnerLabels === undefined ? 1 : typeof lambda === 'number' ? lambda : (lambda[i] as number);
      this.#score(share, rankOf(logits, i * classes, classes, labels[i] as number));
      if (share < 1) this.#score(1 - share, rankOf(logits, i * classes, classes, partnerLabels?.[i] as number));
    }
  }

  #score(share: number, rank: number): void {
    if (rank < 1) this.#top1 += share;
    if (rank < 5) this.#top5 += share;
  }

  get examples(): number {
    return this.#examples;
  }

  /** Mean losses, and mean scores in [0, 1] of the best class, and of the best five. */
  result(): Losses & { top1: number; top5: number } {
    const n = Math.max(this.#examples, 1);
    const means = Object.fromEntries(Object.entries(this.#losses).map(([name, sum]) => [name, sum / n]));
    return { loss: 0, ...means, top1: this.#top1 / n, top5: this.#top5 / n };
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
