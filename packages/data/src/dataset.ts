import type { Random } from '@bag/random';
import type { RawImage } from './image.js';
import type { Normalization } from './transforms/normalization.js';
import type { TransformDescription } from './transforms/plan.js';

/** What an image is made into: the same as `get`, the transform and the normalisation give, to 1e-3 in [0, 255]. */
export interface LoadOptions {
  transform: TransformDescription;
  normalization: Normalization;
  /** With the image's number, all that the random numbers depend on. */
  seed: number;
  epoch: number;
}

/** Labelled images by number, decoded when asked for. */
export interface Dataset {
  readonly name: string;
  /** Class names; a label is an index of this list. */
  readonly classes: readonly string[];
  readonly size: number;
  /** `[size]`. */
  readonly labels: Int32Array;
  /** The image of a number in [0, size). Rejects with a `BadImageError` where it cannot be decoded. */
  get(index: number): RawImage | Promise<RawImage>;
  /**
   * Writes a transformed and normalised image `[size, size, 3]` into `into`, which is best in shared memory: for data sets
   * with threads of their own. Rejects as `get` does.
   */
  load?(index: number, options: LoadOptions, into: Float32Array): Promise<void>;
  /** What a person would call an image: its file, where it has one of its own. */
  nameOf?(index: number): string;
  /**
   * A shuffled order of `[size]` in which the images are cheap to read; where it is absent, any permutation is.
   * Depends on `random` only.
   */
  order?(random: Random): Uint32Array;
  /** Frees threads and files. */
  close?(): Promise<void>;
}

/**
 * A file that is no image, or a damaged one.
 *
 * @example
 * throw new BadImageError('cat/1.jpg', 'the file is cut off');
 */
export class BadImageError extends Error {
  override readonly name = 'BadImageError';
  constructor(
    /** Path or number of the image. */
    readonly image: string,
    /** What the decoder said. */
    readonly reason: string,
    /** Whether its beginning can be read: the file is cut off, or damaged inside. */
    readonly truncated = false,
  ) {
    super(`cannot read the image ${image}: ${reason}`);
  }
}
