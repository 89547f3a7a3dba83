import type { Dataset } from '../dataset.js';
import { cifarBinary, hasCifarSplit, isCifar } from './cifar.js';
import { hasFolderSplit, imageFolder, type ImageFolderOptions, type Split } from './image-folder.js';

/**
 * Opens whatever a folder holds: CIFAR-10 or CIFAR-100 binaries, or a folder per class.
 * @throws Error naming what is missing and what is expected.
 * @example
 * const validation = await openDataset('photos', { split: 'validation' });
 */
export async function openDataset(path: string, options: ImageFolderOptions): Promise<Dataset> {
  return (await isCifar(path)) ? cifarBinary(path, options) : imageFolder(path, options);
}

/**
 * Whether a folder that `openDataset` can open has a split.
 * @example
 * await hasSplit('photos', 'validation');
 */
export async function hasSplit(path: string, split: Split): Promise<boolean> {
  return (await isCifar(path)) ? hasCifarSplit(path, split) : hasFolderSplit(path, split);
}
