import { createHash } from 'node:crypto';
import { BadImageError, type Dataset } from '../dataset.js';
import type { Split } from '../split.js';
import { duplicates, type Finding, oddSizes, Scans } from './findings.js';
import { formatOf, openDataset } from './open.js';

export interface Check {
  classes: readonly string[];
  /** Images of each split. */
  train: number;
  validation: number;
  /** The files or folders to validate on, where there are none; training does without, and validates nothing. */
  missing?: string;
  findings: Finding[];
}

export interface CheckOptions {
  /** Decoding threads. */
  workers?: number;
  onProgress?: (done: number, total: number) => void;
}

/**
 * Decodes every image of a data set and lists what is wrong: unreadable and truncated images, those with the same
 * content (worst where one is in training and validation, or under two classes), odd sizes, files that are not read.
 * Remembers 20 bytes of an image.
 *
 * @throws Error where it is no data set at all.
 * @example
 * const { findings } = await checkDataset('photos');
 */
export async function checkDataset(path: string, { workers = 2, onProgress }: CheckOptions = {}): Promise<Check> {
  const format = await formatOf(path);
  const splits: [Split, Dataset][] = [['train', await openDataset(path, { split: 'train', workers })]];
  const hasValidation = await format.hasSplit(path, 'validation');
  if (hasValidation) {
    splits.push(['validation', await openDataset(path, { split: 'validation', workers })]);
  }
  const scans = new Scans(splits.map(([, dataset]) => dataset));
  const findings: Finding[] = [];
  let number = 0;
  for (const [split, dataset] of splits) {
    for await (const result of scan(dataset, 4 * workers)) {
      if ('problem' in result) findings.push(result);
      else scans.note(number, result);
      number++;
      onProgress?.(number, scans.size);
    }
    await dataset.close?.();
    const ignored = await format.ignored(path, split);
    for (const file of ignored) {
      findings.push({ problem: 'ignored', images: [file], detail: 'no image file in a class folder' });
    }
  }
  const sizeOf = (split: Split) => splits.find(([name]) => name === split)?.[1].size ?? 0;
  return {
    classes: splits[0]?.[1].classes ?? [],
    train: sizeOf('train'),
    validation: sizeOf('validation'),
    ...(!hasValidation && { missing: await format.validation(path) }),
    findings: [...findings, ...duplicates(scans), ...oddSizes(scans)],
  };
}

interface Scanned {
  height: number;
  width: number;
  hash: Buffer;
}

/** Every image in order, up to `ahead` of them being decoded at a time. */
async function* scan(dataset: Dataset, ahead: number): AsyncGenerator<Scanned | Finding> {
  const pending: Promise<Scanned | Finding>[] = [];
  for (let index = 0; index < dataset.size || pending.length > 0; index++) {
    if (index < dataset.size) pending.push(look(dataset, index));
    if (pending.length >= ahead || index >= dataset.size) yield await (pending.shift() as Promise<Scanned | Finding>);
  }
}

async function look(dataset: Dataset, index: number): Promise<Scanned | Finding> {
  try {
    const { data, height, width } = await dataset.get(index);
    return { height, width, hash: createHash('sha256').update(`${height}×${width} `).update(data).digest() };
  } catch (error) {
    if (!(error instanceof BadImageError)) throw error;
    const name = dataset.nameOf?.(index) ?? `${dataset.name} image ${index}`;
    return { problem: error.truncated ? 'truncated' : 'unreadable', images: [name], detail: error.reason };
  }
}
