import {
  BadImages,
  type BadImageError,
  centerCrop,
  cifarNormalization,
  type Dataset,
  imageNetNormalization,
  imageNetTrain,
  type Normalization,
  inceptionNormalization,
  padCropFlip,
  syntheticDataset,
  torchvisionNormalization,
  type Transform,
} from '@bag/data';
import { hasSplit, inMemory, openDataset, type Split, validationFiles } from '@bag/data/node';
import type { Config } from './config/schema.js';
import { UsageError } from './errors.js';
import { imageSizeOf, modelOf } from './network.js';
import { shownPath } from './paths.js';
import type { Progress } from './progress.js';

/** How images become what the network takes. */
export interface Preprocessing {
  train: Transform;
  validation: Transform;
  normalization: Normalization;
}

/** By name; `paper` is that of large images. */
const normalizations: Record<Config['normalization'], Normalization> = {
  paper: imageNetNormalization,
  torchvision: torchvisionNormalization,
  inception: inceptionNormalization,
};

export function preprocessingOf(config: Config): Preprocessing {
  const size = imageSizeOf(config);
  if (modelOf(config).family === 'cifar') {
    return {
      train: padCropFlip({ size, padding: Math.max(1, Math.round(size / 8)) }),
      validation: centerCrop({ size, resize: size }),
      normalization: config.normalization === 'paper' ? cifarNormalization : normalizations[config.normalization],
    };
  }
  return {
    train: imageNetTrain({ size, jitter: config.colorJitter }),
    validation: centerCrop({ size, interpolation: config.interpolation }),
    normalization: normalizations[config.normalization],
  };
}

/**
 * Opens a split of the configured data set. Images for the small networks are brought to their size and kept in memory.
 * @throws UsageError naming what is wrong with the folder.
 */
export async function openSplit(config: Config, split: Split, progress?: Progress): Promise<Dataset> {
  const small = modelOf(config).family === 'cifar';
  const size = imageSizeOf(config);
  if (config.data === null) {
    const { classes, labelNoise, seed } = config.synthetic;
    const count = config.synthetic[split];
    return inMemory(syntheticDataset({ classes, size: count, imageSize: size, seed, split, labelNoise }));
  }
  const dataset = await open(config.data, config, split, small ? size : undefined);
  if (!small) return dataset;
  const startMs = Date.now();
  progress?.start(dataset.size);
  const cached = await inMemory(dataset, {
    onProgress: (done) => progress?.update(done, `reading ${split} images`),
  });
  progress?.stop();
  progress?.line(`read ${dataset.size} ${split} images in ${((Date.now() - startMs) / 1000).toFixed(1)} s`);
  return cached;
}

async function open(
  path: string,
  { workers, orientation }: Config,
  split: Split,
  squareSize: number | undefined,
): Promise<Dataset> {
  try {
    return await openDataset(shownPath(path), { split, workers, squareSize, orientation });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** How many classes and images the configured data set has. */
export async function sizesOf(config: Config): Promise<{ classes: number; train: number; validation: number }> {
  if (config.data === null) return config.synthetic;
  const training = await open(config.data, config, 'train', undefined);
  const validation = (await hasValidation(config))
    ? await open(config.data, config, 'validation', undefined)
    : undefined;
  return { classes: training.classes.length, train: training.size, validation: validation?.size ?? 0 };
}

/** Names of the configured data set's classes: of its training images, or where it has none, of those to validate on. */
export async function classNames(config: Config): Promise<string[]> {
  if (config.data === null) return [...syntheticDataset({ ...config.synthetic, size: 1, split: 'train' }).classes];
  const split = (await hasSplit(config.data, 'train')) ? 'train' : 'validation';
  return [...(await open(config.data, config, split, undefined)).classes];
}

/** Whether the configured data set has images to validate on. */
export async function hasValidation({ data }: Config): Promise<boolean> {
  return data === null || hasSplit(data, 'validation');
}

/** What the configured data set lacks where it has no images to validate on. */
export async function missingValidation({ data }: Config): Promise<string> {
  return data === null ? 'it has no validation images' : `${shownPath(data)} has no ${await validationFiles(data)}`;
}

/** Images at a time in inference mode: 200 small ones, fewer large ones, so that their activations fit. */
export function evaluationBatchOf({ validation: { size } }: Preprocessing): number {
  return Math.max(4, Math.min(200, Math.floor(200 * (32 / size) ** 2)));
}

/** Names each unreadable image once, and stops where they are too many or not to be put up with. */
export function badImagesOf(dataset: Dataset, { fatalImages }: Config, say: (line: string) => void): BadImages {
  return new BadImages({
    size: dataset.size,
    fatal: fatalImages,
    onBad: (error: BadImageError, count) => say(`skipped (${count}): ${error.message}`),
  });
}
