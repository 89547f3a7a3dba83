import { createRandom } from '@bag/random';
import { BadImages } from './bad-images.js';
import { BadImageError, type Dataset } from './dataset.js';
import type { Normalization } from './transforms/normalization.js';
import type { Transform } from './transforms/transforms.js';

/** Images as a network takes them. */
export interface Batch {
  /** `[batch, height, width, 3]`, normalised, row-major. */
  images: Float32Array;
  /** `[batch]`. */
  labels: Int32Array;
  /** Which images of the data set they are, `[batch]`. */
  indices: Int32Array;
  shape: [number, number, number, number];
}

export interface BatchesOptions {
  dataset: Dataset;
  batchSize: number;
  transform: Transform;
  normalization: Normalization;
  seed: number;
  epoch?: number;
  /** Whether the order is drawn anew each epoch. An unreadable image is then replaced by the next readable one of the
   * order; without shuffling it is left out. */
  shuffle?: boolean;
  /** Whether a last batch that is not full is left out. */
  dropLast?: boolean;
  /** What to do about unreadable images: skip and count by default, stop at 1 %. */
  badImages?: BadImages;
  /** Batches that are decoded ahead. */
  prefetch?: number;
}

/**
 * How many batches an epoch has.
 *
 * @example
 * batchCount(10, 4); // → 3
 */
export function batchCount(size: number, batchSize: number, dropLast = false): number {
  return dropLast ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
}

/**
 * The batches of an epoch. They depend on (seed, epoch, number of the example) and nothing else: neither on threads,
 * nor on batches before, nor on where a run was interrupted.
 *
 * @returns Batches that the consumer owns; the next ones are decoded while it works.
 * @throws Error where more than 1 % of the images are unreadable, or a data set is empty.
 * @example
 * for await (const { images, labels, shape } of batches({ dataset, batchSize: 128, transform, normalization, seed: 0 })) …
 */
export async function* batches({
  dataset,
  batchSize,
  transform,
  normalization,
  seed,
  epoch = 0,
  shuffle = false,
  dropLast = false,
  badImages = new BadImages({ size: dataset.size }),
  prefetch = 2,
}: BatchesOptions): AsyncGenerator<Batch, void, undefined> {
  if (dataset.size === 0) throw new Error(`the data set ${dataset.name} has no images`);
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batches: expected a whole batchSize of at least 1, got ${batchSize}`);
  }
  const shuffling = createRandom({ seed, purpose: 'shuffle', epoch });
  const order = shuffle
    ? (dataset.order?.(shuffling) ?? shuffling.permutation(dataset.size))
    : Uint32Array.from({ length: dataset.size }, (_, i) => i);
  const pixels = transform.size * transform.size * 3;

  const example = async (index: number): Promise<Float32Array | BadImageError> => {
    try {
      const image = await dataset.get(index);
      return transform(image, createRandom({ seed, purpose: 'augment', epoch, index })).data;
    } catch (error) {
      if (!(error instanceof BadImageError)) throw error;
      badImages.add(error);
      return error;
    }
  };
  /** The example at a place of the order, or the next readable one after it. */
  const readable = async (place: number): Promise<{ index: number; image: Float32Array } | undefined> => {
    for (let tries = 0; tries < (shuffle ? dataset.size : 1); tries++) {
      const index = order[(place + tries) % dataset.size] as number;
      const image = await example(index);
      if (!(image instanceof BadImageError)) return { index, image };
    }
    return undefined;
  };
  const batch = async (number: number): Promise<Batch> => {
    const first = number * batchSize;
    const places = Array.from({ length: Math.min(batchSize, dataset.size - first) }, (_, i) => first + i);
    const found = (await Promise.all(places.map(readable))).filter((one) => one !== undefined);
    const images = new Float32Array(found.length * pixels);
    for (const [i, { image }] of found.entries()) normalize(image, images, i * pixels, normalization);
    const labels = Int32Array.from(found, ({ index }) => dataset.labels[index] as number);
    const indices = Int32Array.from(found, ({ index }) => index);
    return { images, labels, indices, shape: [found.length, transform.size, transform.size, 3] };
  };

  const count = batchCount(dataset.size, batchSize, dropLast);
  const ahead: Promise<Batch>[] = [];
  for (let number = 0; number < count; number++) {
    while (ahead.length <= prefetch && number + ahead.length < count) {
      const next = batch(number + ahead.length);
      // A failure is reported when its turn comes, not as an unhandled rejection before.
      next.catch(() => undefined);
      ahead.push(next);
    }
    const ready = await (ahead.shift() as Promise<Batch>);
    if (ready.labels.length > 0) yield ready;
  }
}

function normalize(from: Float32Array, to: Float32Array, offset: number, { mean, deviation }: Normalization): void {
  for (let c = 0; c < 3; c++) {
    const scale = 1 / (deviation[c] as number);
    const shift = mean[c] as number;
    for (let i = c; i < from.length; i += 3) to[offset + i] = ((from[i] as number) - shift) * scale;
  }
}
