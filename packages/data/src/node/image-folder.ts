import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../dataset.js';
import { encodedDataset } from './encoded.js';

export type Split = 'train' | 'validation';

const imageFile = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;
const folderNames: Record<Split, readonly string[]> = { train: ['train'], validation: ['val', 'test'] };

export interface ImageFolderOptions {
  split: Split;
  /** Brings every image to this square while decoding. */
  squareSize?: number | undefined;
  /** Decoding threads. */
  workers?: number;
}

/**
 * A folder of images: `train/<class>/*.jpg`, and `val/` or else `test/` for validation. Classes are the names of the
 * subfolders, sorted; of both splits, so that a class which one of them lacks is noticed.
 *
 * @throws Error naming what is missing, empty or different, and what is expected.
 * @example
 * const training = await imageFolder('photos', { split: 'train' });
 */
export async function imageFolder(
  path: string,
  { split, squareSize, workers = 2 }: ImageFolderOptions,
): Promise<Dataset> {
  const folder = await splitFolder(path, split);
  const classes = await subfolders(folder);
  if (classes.length < 2) {
    throw new Error(
      `${folder} has ${classes.length} class folders; put the images of each class into a folder of its name`,
    );
  }
  await compareClasses(path, split, folder, classes);
  const files: string[] = [];
  const labels: number[] = [];
  for (const [label, name] of classes.entries()) {
    const images = (await readdir(join(folder, name))).filter((file) => imageFile.test(file)).sort();
    if (images.length === 0) throw new Error(`${join(folder, name)} holds no images (jpg, png, webp, gif, tiff, avif)`);
    for (const image of images) {
      files.push(join(folder, name, image));
      labels.push(label);
    }
  }
  return encodedDataset({
    name: `${path} ${split}`,
    classes,
    labels: Int32Array.from(labels),
    nameOf: (index) => files[index] as string,
    encoded: (index) => files[index] as string,
    squareSize,
    workers,
  });
}

/** What lies in a split's folder and is not read: other files, folders in class folders. Hidden files do not count. */
export async function ignoredFiles(path: string, split: Split): Promise<string[]> {
  const folder = await splitFolder(path, split);
  const classes = await subfolders(folder);
  const visible = async (at: string, isRead: (name: string) => boolean) =>
    (await readdir(at)).filter((name) => !name.startsWith('.') && !isRead(name)).map((name) => join(at, name));
  const ignored = await Promise.all([
    visible(folder, (name) => classes.includes(name)),
    ...classes.map((name) => visible(join(folder, name), (file) => imageFile.test(file))),
  ]);
  return ignored.flat().sort();
}

export async function hasFolderSplit(path: string, split: Split): Promise<boolean> {
  const present = await subfolders(path);
  return folderNames[split].some((name) => present.includes(name));
}

async function splitFolder(path: string, split: Split): Promise<string> {
  const present = await subfolders(path);
  const name = folderNames[split].find((candidate) => present.includes(candidate));
  if (name === undefined) {
    const wanted = folderNames[split].map((candidate) => `${candidate}/`).join(' or ');
    throw new Error(
      `${path} has no ${wanted}; a data set is a folder with train/ and val/ (or test/), one folder per class in each`,
    );
  }
  return join(path, name);
}

async function compareClasses(path: string, split: Split, folder: string, classes: string[]): Promise<void> {
  const present = await subfolders(path);
  const other = folderNames[split === 'train' ? 'validation' : 'train'].find((name) => present.includes(name));
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
