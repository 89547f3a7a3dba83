import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../dataset.js';
import { requireSplit, type Split } from '../split.js';
import { mapConcurrently } from './concurrent.js';
import type { Orientation } from './decoder.js';
import { encodedDataset } from './encoded.js';
import { imageFile, listClasses, type ListingOptions } from './listing.js';
import type { Names } from './names.js';

/** What the folders of a split are called, the first that is there. */
export const splitFolderNames: Record<Split, readonly string[]> = {
  train: ['train'],
  validation: ['val', 'validation', 'test'],
};

export interface ImageFolderOptions extends ListingOptions {
  split: Split;
  /** Brings every image to this square while decoding. */
  squareSize?: number | undefined;
  /** `exif` (the default) turns pictures upright; `stored` is what torchvision does. */
  orientation?: Orientation | undefined;
  /** Decoding threads. */
  workers?: number | undefined;
}

/**
 * A folder of images: `train/<class>/*.jpg`, and `val/`, else `validation/` or `test/`, for validation. Classes are the
 * names of the subfolders, sorted; of both splits, so that a class which one of them lacks is noticed. The listing of
 * more than 10,000 files is kept in the user's cache folder (`BAG_CACHE`, or `bag` in the system's), and a class folder
 * that has changed is listed anew.
 *
 * @throws Error naming what is missing, empty or different, and what is expected.
 * @example
 * const training = await imageFolder('photos', { split: 'train' });
 */
export async function imageFolder(path: string, options: ImageFolderOptions): Promise<Dataset> {
  requireSplit('imageFolder', options.split);
  const { classes, labels, pathOf } = await imageFiles(path, options);
  const { squareSize, orientation, workers } = options;
  return encodedDataset({
    name: `${path} ${options.split}`,
    classes,
    labels,
    nameOf: pathOf,
    encoded: pathOf,
    squareSize,
    orientation,
    workers,
  });
}

/** The image files of a split, as they are. */
export interface ImageFiles {
  classes: readonly string[];
  labels: Int32Array;
  pathOf: (index: number) => string;
}

export async function imageFiles(path: string, { split, ...options }: ImageFolderOptions): Promise<ImageFiles> {
  const folder = await splitFolder(path, split);
  const classes = await subfolders(folder);
  if (classes.length < 2) {
    throw new Error(
      `${folder} has ${classes.length} class folders; put the images of each class into a folder of its name`,
    );
  }
  await compareClasses(path, split, folder, classes);
  const { files } = await listClasses(folder, classes, options);
  /** The number of each class's first image, and of all. */
  const firsts = new Uint32Array(classes.length + 1);
  for (const [label, { length }] of files.entries()) {
    const name = join(folder, classes[label] as string);
    if (length === 0) throw new Error(`${name} holds no images (jpg, png, webp, gif, tiff, avif)`);
    firsts[label + 1] = (firsts[label] as number) + length;
  }
  const labels = new Int32Array(firsts[classes.length] as number);
  for (let label = 0; label < classes.length; label++) labels.fill(label, firsts[label], firsts[label + 1]);
  return {
    classes,
    labels,
    pathOf: (index) => {
      const label = labels[index];
      if (label === undefined) throw new RangeError(`${folder} has no image ${index}`);
      return join(folder, classes[label] as string, (files[label] as Names).at(index - (firsts[label] as number)));
    },
  };
}

/** What lies in a split's folder and is not read: other files, folders in class folders. Hidden files do not count. */
export async function ignoredFiles(path: string, split: Split): Promise<string[]> {
  const folder = await splitFolder(path, split);
  const classes = await subfolders(folder);
  const visible = async (at: string, isRead: (name: string) => boolean) =>
    (await readdir(at)).filter((name) => !name.startsWith('.') && !isRead(name)).map((name) => join(at, name));
  const ignored = await Promise.all([
    visible(folder, (name) => classes.includes(name)),
    mapConcurrently(classes, 16, (name) => visible(join(folder, name), (file) => imageFile.test(file))),
  ]);
  return ignored.flat(2).sort();
}

export async function hasFolderSplit(path: string, split: Split): Promise<boolean> {
  const present = await subfolders(path);
  return splitFolderNames[split].some((name) => present.includes(name));
}

async function splitFolder(path: string, split: Split): Promise<string> {
  const present = await subfolders(path);
  const name = splitFolderNames[split].find((candidate) => present.includes(candidate));
  if (name === undefined) {
    const wanted = splitFolderNames[split].map((candidate) => `${candidate}/`).join(' or ');
    throw new Error(
      `${path} has no ${wanted}; a data set is a folder with train/ and val/ (or test/), one folder per class in each`,
    );
  }
  return join(path, name);
}

async function compareClasses(path: string, split: Split, folder: string, classes: string[]): Promise<void> {
  const present = await subfolders(path);
  const other = splitFolderNames[split === 'train' ? 'validation' : 'train'].find((name) => present.includes(name));
  if (other === undefined) return;
  const others = await subfolders(join(path, other));
  const missing = classes.find((name) => !others.includes(name)) ?? others.find((name) => !classes.includes(name));
  if (missing === undefined) return;
  const [lacks, has] = others.includes(missing) ? [folder, join(path, other)] : [join(path, other), folder];
  throw new Error(`${lacks} lacks the class ${missing} that ${has} has; both need the same class folders`);
}

async function subfolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new Error(`${path} does not exist; give the folder of a data set`);
    if (code === 'ENOTDIR')
      throw new Error(`${path} is a file; give the folder of a data set (unpack an archive first)`);
    throw error;
  });
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}
