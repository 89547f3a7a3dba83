import { createRandom } from '@bag/random';
import { BadImages } from './bad-images.js';
import { BadImageError, type Dataset } from './dataset.js';
import { giveBuffer, takeBuffer } from './buffers.js';
import { limiter } from './limit.js';
import { type Normalization, normalize } from './transforms/normalization.js';
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
  /**
   * Whether the images of a batch are only lent: their memory is written again once the next batch is asked for. Saves a
   * copy where the consumer makes a tensor of them at once.
   */
  lend?: boolean;
}

/** Images at a time that are being decoded or wait for a thread. */
const imagesInFlight = 128;

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
 * nor on batches before, nor on where a run was interrupted. A data set with threads of its own decodes and transforms
 * in them, where the transform is one of this package's.
 *
 * @returns Batches that the consumer owns (but see `lend`); the next ones are made while it works. One that stops early
 * leaves no work behind.
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
  lend = false,
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
  const example = exampleWriter({ dataset, transform, normalization, seed, epoch });
  const limited = limiter(imagesInFlight);
  let stopped = false;

  /** Writes the example at a place of the order, or the next readable one after it; gives its number. */
  const readable = async (place: number, into: Float32Array): Promise<number | undefined> => {
    for (let tries = 0; tries < (shuffle ? dataset.size : 1) && !stopped; tries++) {
      const index = order[(place + tries) % dataset.size] as number;
      try {
        await example(index, into);
        return index;
      } catch (error) {
        // The rest need not be begun: the error ends the epoch.
        if (!(error instanceof BadImageError)) stopped = true;
        else badImages.add(error);
        if (stopped) throw error;
      }
    }
    return undefined;
  };
  const make = async (number: number): Promise<Made> => {
    const first = number * batchSize;
    const places = Array.from({ length: Math.min(batchSize, dataset.size - first) }, (_, i) => first + i);
    const memory = example.isShared
      ? takeBuffer(dataset, batchSize * pixels)
      : new Float32Array(places.length * pixels);
    const slot = (i: number) => memory.subarray(i * pixels, (i + 1) * pixels);
    const results = await Promise.allSettled(places.map((place, i) => limited(() => readable(place, slot(i)))));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) {
      if (example.isShared) giveBuffer(dataset, memory);
      throw failure.reason;
    }
    const found: number[] = [];
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected' || result.value === undefined) continue;
      // Close up behind those that are left out.
      if (found.length < i) memory.copyWithin(found.length * pixels, i * pixels, (i + 1) * pixels);
      found.push(result.value);
    }
    return { memory, indices: Int32Array.from(found) };
  };

  const count = batchCount(dataset.size, batchSize, dropLast);
  const ahead: Promise<Made>[] = [];
  let lent: Float32Array | undefined;
  try {
    for (let number = 0; number < count; number++) {
      if (lent !== undefined) giveBuffer(dataset, lent);
      lent = undefined;
      while (ahead.length <= prefetch && number + ahead.length < count) {
        const next = make(number + ahead.length);
        // A failure is reported when its turn comes, not as an unhandled rejection before.
        next.catch(() => undefined);
        ahead.push(next);
      }
      const { memory, indices } = await (ahead.shift() as Promise<Made>);
      const filled = memory.subarray(0, indices.length * pixels);
      const images = example.isShared && !lend ? filled.slice() : filled;
      if (example.isShared) {
        if (lend) lent = memory;
        else giveBuffer(dataset, memory);
      }
      if (indices.length === 0) continue;
      const labels = indices.map((index) => dataset.labels[index] as number);
      yield { images, labels, indices, shape: [indices.length, transform.size, transform.size, 3] };
    }
  } finally {
    stopped = true;
    if (lent !== undefined) giveBuffer(dataset, lent);
    for (const made of await Promise.allSettled(ahead)) {
      if (made.status === 'fulfilled' && example.isShared) giveBuffer(dataset, made.value.memory);
    }
  }
}

/** A batch's memory, which may be longer, and the numbers of the images in it. */
interface Made {
  memory: Float32Array;
  indices: Int32Array;
}

/** Writes a finished image: by the data set, in shared memory, or here. */
function exampleWriter({
  dataset,
  transform,
  normalization,
  seed,
  epoch,
}: Pick<BatchesOptions, 'dataset' | 'transform' | 'normalization' | 'seed'> & { epoch: number }) {
  const { description } = transform;
  const isShared = dataset.load !== undefined && description !== undefined;
  const write = async (index: number, into: Float32Array): Promise<void> => {
    if (dataset.load !== undefined && description !== undefined) {
      return dataset.load(index, { transform: description, normalization, seed, epoch }, into);
    }
    const image = transform(await dataset.get(index), createRandom({ seed, purpose: 'augment', epoch, index }));
    normalize(image.data, into, 0, normalization);
  };
  return Object.assign(write, { isShared });
}
