import type { Dataset } from '../dataset.js';
import { cifarBinary, isCifar } from './cifar.js';
import { imageFolder, type ImageFolderOptions } from './image-folder.js';

/**
 * Opens whatever a folder holds: CIFAR-10 or CIFAR-100 binaries, or a folder per class.
 * @throws Error naming what is missing and what is expected.
 * @example
 * const validation = await openDataset('photos', { split: 'validation' });
 */
export async function openDataset(path: string, options: ImageFolderOptions): Promise<Dataset> {
  return (await isCifar(path)) ? cifarBinary(path, options) : imageFolder(path, options);
}
