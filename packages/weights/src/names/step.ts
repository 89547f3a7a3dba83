import type { StoredTensor } from '../stored.js';

/** A parameter of the network that weights are for, as `@bag/resnet-variants` has it. */
export interface ExpectedParameter {
  readonly name: string;
  /** `weight` for filters and dense weights; `bias`, `gamma`, `beta`, `runningMean`, `runningVariance`. */
  readonly role: string;
  /** Filters `[height, width, from, to]`, depthwise ones `[height, width, channels, 1]`, dense weights `[from, to]`. */
  readonly shape: readonly number[];
}

export type Stored = ReadonlyMap<string, StoredTensor>;

/** What the steps need to know of the network. */
export interface Expected {
  readonly parameters: readonly ExpectedParameter[];
  readonly names: ReadonlySet<string>;
  /** The module of the final dense layer, such as `fc`. */
  readonly head: string | undefined;
}

/** Brings the stored names nearer to the expected ones, and says how; `undefined` where there is nothing to do. */
export type NameStep = (stored: Stored, expected: Expected) => { stored: Stored; note: string } | undefined;

/** `layer1.0.conv1` of `layer1.0.conv1.weight`; empty where there is no dot. */
export const moduleOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('.')));

/** `weight` of `layer1.0.conv1.weight`. */
export const leafOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/**
 * All names by `rename`; the order stays.
 * @throws Error where two tensors come to the same name.
 */
export function renamed(stored: Stored, rename: (name: string) => string): Stored {
  const result = new Map<string, StoredTensor>();
  for (const [name, tensor] of stored) {
    const to = rename(name);
    if (result.has(to)) throw new Error(`the weights have two tensors that are ${to} here, one of them ${name}`);
    result.set(to, tensor);
  }
  return result;
}

/** Compares runs of digits by their value: `features.9` before `features.10`. */
export function naturally(a: string, b: string): number {
  return collator.compare(a, b);
}

const collator = new Intl.Collator('en', { numeric: true });
