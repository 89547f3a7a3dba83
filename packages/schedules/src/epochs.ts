import { checkCounts, checkRates } from './check.js';

export interface StepsPerEpochOptions {
  /** Examples in the training set. */
  examples: number;
  /** Examples per update. */
  batch: number;
  /** Leave the last, smaller batch out. */
  dropLast?: boolean;
}

/**
 * Updates per epoch: ⌈examples/batch⌉, or ⌊examples/batch⌋ with `dropLast`.
 *
 * @throws RangeError for counts that are not integers ≥ 1, or a batch larger than the set with `dropLast`.
 * @example
 * stepsPerEpoch({ examples: 1281167, batch: 1024 }); // → 1252
 */
export function stepsPerEpoch({ examples, batch, dropLast = false }: StepsPerEpochOptions): number {
  checkCounts('stepsPerEpoch', { examples, batch }, 1);
  if (dropLast && batch > examples) {
    throw new RangeError(`stepsPerEpoch: expected batch ≤ examples with dropLast, got ${batch} > ${examples}`);
  }
  return dropLast ? Math.floor(examples / batch) : Math.ceil(examples / batch);
}

/**
 * Epochs, whole or not, as the nearest number of steps.
 *
 * @throws RangeError for negative epochs, or stepsPerEpoch that are not an integer ≥ 1.
 * @example
 * epochsToSteps({ epochs: 5, stepsPerEpoch: 1251 }); // → 6255
 */
export function epochsToSteps(options: { epochs: number; stepsPerEpoch: number }): number {
  checkRates('epochsToSteps', { epochs: options.epochs });
  checkCounts('epochsToSteps', { stepsPerEpoch: options.stepsPerEpoch }, 1);
  return Math.round(options.epochs * options.stepsPerEpoch);
}

/**
 * Steps as epochs, with the fraction.
 *
 * @throws RangeError for negative steps, or stepsPerEpoch that are not an integer ≥ 1.
 * @example
 * stepsToEpochs({ steps: 150, stepsPerEpoch: 100 }); // → 1.5
 */
export function stepsToEpochs(options: { steps: number; stepsPerEpoch: number }): number {
  checkRates('stepsToEpochs', { steps: options.steps });
  checkCounts('stepsToEpochs', { stepsPerEpoch: options.stepsPerEpoch }, 1);
  return options.steps / options.stepsPerEpoch;
}
