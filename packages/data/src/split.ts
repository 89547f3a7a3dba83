/** The images to train on, or those to validate on. */
export type Split = 'train' | 'validation';

/**
 * Refuses what plain JavaScript may pass as a split.
 * @throws RangeError with the splits that there are.
 */
export function requireSplit(who: string, split: unknown): asserts split is Split {
  if (split === 'train' || split === 'validation') return;
  throw new RangeError(`${who}: expected split "train" or "validation", got ${JSON.stringify(split) ?? 'none'}`);
}
