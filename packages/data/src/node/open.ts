import type { Dataset } from '../dataset.js';
import { requireSplit, type Split } from '../split.js';
import { cifarBinary, hasCifarSplit, refuseCifarPickles } from './cifar.js';
import { hasIdxSplit, idx } from './idx.js';
import { hasFolderSplit, ignoredFiles, imageFolder, type ImageFolderOptions } from './image-folder.js';
import { shardFiles, validationShards } from './shard-files.js';
import { tarShards } from './tar-shards.js';

/** A way in which a folder can hold a data set. */
interface Format {
  open(path: string, options: ImageFolderOptions): Promise<Dataset>;
  hasSplit(path: string, split: Split): Promise<boolean>;
  /** Files that are not read. */
  ignored(path: string, split: Split): Promise<string[]>;
  /** Where the images to validate on would lie. */
  validation(path: string): string | Promise<string>;
}

const nothing = () => Promise.resolve([]);

const folder: Format = {
  open: async (path, options) => {
    await refuseCifarPickles(path);
    return imageFolder(path, options);
  },
  hasSplit: hasFolderSplit,
  ignored: ignoredFiles,
  validation: () => 'val/, validation/ or test/',
};

const others: readonly Format[] = [
  { open: cifarBinary, hasSplit: hasCifarSplit, ignored: nothing, validation: () => 'test_batch.bin or test.bin' },
  { open: idx, hasSplit: hasIdxSplit, ignored: nothing, validation: () => 't10k-images-idx3-ubyte(.gz)' },
  {
    open: tarShards,
    hasSplit: async (path, split) => (await shardFiles(path, split)) !== undefined,
    ignored: nothing,
    validation: validationShards,
  },
];

/** What a folder holds, by the files of either split; a folder per class where nothing else is found. */
export async function formatOf(path: string): Promise<Format> {
  for (const format of others) {
    if ((await format.hasSplit(path, 'train')) || (await format.hasSplit(path, 'validation'))) return format;
  }
  return folder;
}

/**
 * Opens whatever a folder holds: CIFAR-10 or CIFAR-100 binaries, MNIST's files, tar shards, or a folder per class.
 * @throws Error naming what is missing and what is expected.
 * @example
 * const validation = await openDataset('photos', { split: 'validation' });
 */
export async function openDataset(path: string, options: ImageFolderOptions): Promise<Dataset> {
  requireSplit('openDataset', options.split);
  return (await formatOf(path)).open(path, options);
}

/**
 * Whether a folder that `openDataset` can open has a split.
 * @example
 * await hasSplit('photos', 'validation');
 */
export async function hasSplit(path: string, split: Split): Promise<boolean> {
  requireSplit('hasSplit', split);
  return (await formatOf(path)).hasSplit(path, split);
}

/**
 * Where the images to validate on would lie, by what a folder that `openDataset` can open holds: words for a message.
 * @example
 * await validationFiles('photos'); // 'val/, validation/ or test/'
 */
export async function validationFiles(path: string): Promise<string> {
  return (await formatOf(path)).validation(path);
}
