import { createHash } from 'node:crypto';
import { BadImageError, type Dataset } from '../dataset.js';
import { isCifar } from './cifar.js';
import { ignoredFiles, type Split } from './image-folder.js';
import { hasSplit, openDataset } from './open.js';

/** Something in a data set that its owner would want to know. */
export interface Finding {
  /**
   * `unreadable` and `truncated` images are skipped in training; `duplicate` ones have the same pixels; one of an `odd
   * size` differs from nearly all others, or is very small or narrow beside them; `ignored` files are not read at all.
   */
  problem: 'unreadable' | 'truncated' | 'duplicate' | 'odd size' | 'ignored';
  images: string[];
  detail: string;
}

export interface Check {
  classes: readonly string[];
  /** Images of each split. */
  train: number;
  validation: number;
  findings: Finding[];
}

export interface CheckOptions {
  /** Decoding threads. */
  workers?: number;
  onProgress?: (done: number, total: number) => void;
}

interface Scanned {
  name: string;
  split: Split;
  class: string;
  height: number;
  width: number;
  hash: string;
}

/**
 * Decodes every image of a data set and lists what is wrong: unreadable and truncated images, those with the same
 * content (worst where one is in training and validation, or under two classes), odd sizes, files that are not read.
 *
 * @throws Error where it is no data set at all.
 * @example
 * const { findings } = await checkDataset('photos');
 */
export async function checkDataset(path: string, { workers = 2, onProgress }: CheckOptions = {}): Promise<Check> {
  const splits: Partial<Record<Split, Dataset>> = { train: await openDataset(path, { split: 'train', workers }) };
  if (await hasSplit(path, 'validation')) splits.validation = await openDataset(path, { split: 'validation', workers });
  const open = Object.entries(splits) as [Split, Dataset][];
  const total = open.reduce((sum, [, { size }]) => sum + size, 0);
  const images: Scanned[] = [];
  const findings: Finding[] = [];
  let done = 0;
  for (const [split, dataset] of open) {
    for await (const result of scan(dataset, split, 4 * workers)) {
      if ('problem' in result) findings.push(result);
      else images.push(result);
      onProgress?.(++done, total);
    }
    await dataset.close?.();
    if (!(await isCifar(path))) {
      const ignored = await ignoredFiles(path, split);
      findings.push(...ignored.map((file) => finding('ignored', [file], 'no image file in a class folder')));
    }
  }
  return {
    classes: splits.train?.classes ?? [],
    train: splits.train?.size ?? 0,
    validation: splits.validation?.size ?? 0,
    findings: [...findings, ...duplicates(images), ...oddSizes(images)],
  };
}

const finding = (problem: Finding['problem'], images: string[], detail: string): Finding => ({
  problem,
  images,
  detail,
});

/** Every image in order, up to `ahead` of them being decoded at a time. */
async function* scan(dataset: Dataset, split: Split, ahead: number): AsyncGenerator<Scanned | Finding> {
  const pending: Promise<Scanned | Finding>[] = [];
  for (let index = 0; index < dataset.size || pending.length > 0; index++) {
    if (index < dataset.size) pending.push(look(dataset, split, index));
    if (pending.length >= ahead || index >= dataset.size) yield await (pending.shift() as Promise<Scanned | Finding>);
  }
}

async function look(dataset: Dataset, split: Split, index: number): Promise<Scanned | Finding> {
  const name = dataset.nameOf?.(index) ?? `${dataset.name} image ${index}`;
  try {
    const { data, height, width } = await dataset.get(index);
    const hash = createHash('sha256').update(`${height}×${width} `).update(data).digest('base64');
    return { name, split, class: dataset.classes[dataset.labels[index] as number] as string, height, width, hash };
  } catch (error) {
    if (!(error instanceof BadImageError)) throw error;
    return finding(error.truncated ? 'truncated' : 'unreadable', [name], error.reason);
  }
}

function duplicates(images: readonly Scanned[]): Finding[] {
  return [...groups(images, ({ hash }) => hash).values()]
    .filter((group) => group.length > 1)
    .map((group) => {
      const classes = [...new Set(group.map((image) => image.class))];
      const detail = [
        new Set(group.map(({ split }) => split)).size > 1 ? 'in training and validation' : '',
        classes.length > 1 ? `under the classes ${classes.join(', ')}` : '',
      ].filter((text) => text !== '');
      const names = group.map(({ name }) => name);
      return finding('duplicate', names, detail.join(', ') || 'within a class');
    });
}

/** A data set has a usual size if so many of its images have it. */
const usualShare = 0.9;
/** A crop for training keeps little of an image whose edges differ more than this. */
const mostElongated = 3;
/** Below this share of the median shorter edge, an image has much less detail than the others. */
const leastEdge = 0.25;

function oddSizes(images: readonly Scanned[]): Finding[] {
  const sizeOf = ({ width, height }: Scanned) => `${width}×${height}`;
  const [usual] = [...groups(images, sizeOf).entries()].sort(([, a], [, b]) => b.length - a.length);
  if (usual === undefined) return [];
  const [usualSize, { length }] = usual;
  if (length >= usualShare * images.length) {
    return images
      .filter((image) => sizeOf(image) !== usualSize)
      .map((image) => finding('odd size', [image.name], `${sizeOf(image)}, nearly all others ${usualSize}`));
  }
  const shorter = ({ width, height }: Scanned) => Math.min(width, height);
  const edges = images.map(shorter).sort((a, b) => a - b);
  const median = edges[edges.length >> 1] as number;
  return images.flatMap((image) => {
    const narrow = Math.max(image.width, image.height) > mostElongated * shorter(image);
    const small = shorter(image) < leastEdge * median;
    if (!narrow && !small) return [];
    const why = small ? `small: the median shorter edge is ${median}` : 'very elongated';
    return [finding('odd size', [image.name], `${sizeOf(image)}, ${why}`)];
  });
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = found.get(key);
    if (group === undefined) found.set(key, [item]);
    else group.push(item);
  }
  return found;
}
