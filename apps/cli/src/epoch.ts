import type { Config } from './config/schema.js';

/** How an epoch is divided. */
export interface EpochShape {
  /** Batches that are trained on, `accumulate` of them per step. */
  batches: number;
  steps: number;
  /** Whether images that fill no batch are left out; the next epoch's order has others there. */
  dropLast: boolean;
}

/** Only whole steps count, so that all weigh the same; fewer images than one step takes make one. */
export function epochOf({ batch, accumulate }: Pick<Config, 'batch' | 'accumulate'>, images: number): EpochShape {
  const steps = Math.floor(images / (batch * accumulate));
  if (steps > 0) return { steps, batches: steps * accumulate, dropLast: true };
  return { steps: 1, batches: Math.max(1, Math.floor(images / batch)), dropLast: images >= batch };
}

/** The first `count` values of a stream, which then ends. */
export async function* take<T>(values: AsyncIterable<T>, count: number): AsyncGenerator<T, void, undefined> {
  let taken = 0;
  for await (const value of values) {
    yield value;
    if (++taken === count) return;
  }
}
