import { BadImageError, type Dataset } from '../dataset.js';
import type { RawImage } from '../image.js';

export interface InMemoryOptions {
  /** Hears how many images have been read. */
  onProgress?: (done: number, total: number) => void;
  /** Reads at a time. */
  concurrency?: number;
}

/**
 * Reads a whole data set into memory: worth it for small images, which are read many times. An unreadable image stays
 * one: asking for it fails as before.
 * @example
 * const cached = await inMemory(await imageFolder('photos', { split: 'train', squareSize: 32 }));
 */
export async function inMemory(
  dataset: Dataset,
  { onProgress, concurrency = 64 }: InMemoryOptions = {},
): Promise<Dataset> {
  const images = new Array<RawImage | BadImageError>(dataset.size);
  let next = 0;
  let done = 0;
  const reader = async () => {
    while (next < dataset.size) {
      const index = next++;
      try {
        images[index] = await dataset.get(index);
      } catch (error) {
        if (!(error instanceof BadImageError)) throw error;
        images[index] = error;
      }
      onProgress?.(++done, dataset.size);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, reader));
  await dataset.close?.();
  const { name, classes, size, labels } = dataset;
  return {
    ...(dataset.nameOf && { nameOf: dataset.nameOf.bind(dataset) }),
    name,
    classes,
    size,
    labels,
    get: (index) => {
      const image = images[index];
      if (image instanceof BadImageError) return Promise.reject(image);
      if (image === undefined) throw new RangeError(`${name} has no image ${index}`);
      return image;
    },
  };
}
