import { check } from './check.js';

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
  const round = dropLast ? Math.floor : Math.ceil;
  const steps = round(examples / batch);
  check('stepsPerEpoch', {}, { examples, batch, 'examples / batch': steps }, 1);
  return steps;
}

/**
 * Epochs, whole or not, as the nearest number of steps.
 *
 * @throws RangeError for negative epochs, or stepsPerEpoch that are not an integer ≥ 1.
 * @example
 * epochsToSteps({ epochs: 5, stepsPerEpoch: 1251 }); // → 6255
 */
export function epochsToSteps({ epochs, stepsPerEpoch }: { epochs: number; stepsPerEpoch: number }): number {
  check('epochsToSteps', { epochs }, { stepsPerEpoch }, 1);
  return Math.round(epochs * stepsPerEpoch);
}

/**
 * Steps as epochs, with the fraction.
 *
 * @throws RangeError for negative steps, or stepsPerEpoch that are not an integer ≥ 1.
 * @example
 * stepsToEpochs({ steps: 150, stepsPerEpoch: 100 }); // → 1.5
 */
export function stepsToEpochs({ steps, stepsPerEpoch }: { steps: number; stepsPerEpoch: number }): number {
  check('stepsToEpochs', { steps }, { stepsPerEpoch }, 1);
  return steps / stepsPerEpoch;
}
