import { BadImages, batches, type Dataset, imageNetTrain, torchvisionNormalization } from '@bag/data';
import { encodedDataset, hasSplit, openDataset } from '@bag/data/node';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from './errors.js';

export interface InputBenchmarkOptions {
  /** A data set, or any folder with images somewhere below it. */
  path: string;
  workers: number;
  /** Pixels on a side of what comes out. */
  size: number;
  batch: number;
  /** Passes over the images that are timed, after one that is not. */
  passes: number;
  onProgress: (done: number, total: number) => void;
}

export interface InputTimes {
  images: number;
  unreadable: number;
  /** Of each pass, in order. */
  imagesPerSecond: number[];
}

/** Times what comes before the network: read, decode, random resized crop, flip, colour jitter, normalise. */
export async function benchmarkInput(options: InputBenchmarkOptions): Promise<InputTimes> {
  const { path, workers, size, batch, passes, onProgress } = options;
  const dataset = await openImages(path, workers);
  const badImages = new BadImages({ size: dataset.size, maxShare: 1 });
  const transform = imageNetTrain({ size, jitter: 'official', lighting: false });
  const common = { dataset, batchSize: batch, transform, normalization: torchvisionNormalization, seed: 0, badImages };
  const rates: number[] = [];
  for (let epoch = 0; epoch <= passes; epoch++) {
    const startMs = performance.now();
    let images = 0;
    for await (const { labels } of batches({ ...common, epoch, shuffle: true, lend: true })) {
      images += labels.length;
      onProgress(epoch * dataset.size + images, (passes + 1) * dataset.size);
    }
    if (epoch > 0) rates.push((images / (performance.now() - startMs)) * 1000);
  }
  await dataset.close?.();
  return { images: dataset.size, unreadable: badImages.count, imagesPerSecond: rates };
}

const imageFile = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;

async function openImages(path: string, workers: number): Promise<Dataset> {
  if ((await stat(path).catch(() => undefined))?.isDirectory() !== true) {
    throw new UsageError(`${path} is no folder; give one with images`);
  }
  const split = (await hasSplit(path, 'train')) ? 'train' : 'validation';
  if (await hasSplit(path, split)) return openDataset(path, { split, workers });
  const files = (await readdir(path, { recursive: true })).filter((file) => imageFile.test(file)).sort();
  if (files.length === 0) throw new UsageError(`${path} holds no images (jpg, png, webp, gif, tiff, avif)`);
  return encodedDataset({
    name: path,
    classes: ['images'],
    labels: new Int32Array(files.length),
    encoded: (index) => join(path, files[index] as string),
    workers,
  });
}
