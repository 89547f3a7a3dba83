import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../dataset.js';
import { requireSplit, type Split } from '../split.js';
import { classList, numbered } from './class-list.js';
import { mapConcurrently } from './concurrent.js';
import { encodedDataset } from './encoded.js';
import type { ImageFolderOptions } from './image-folder.js';
import { SampleReader, type ShardRead } from './sample-reader.js';
import { type ShardFiles, shardFiles } from './shard-files.js';
import { readShardIndex, type Shard } from './shard-index.js';
import { bufferedOrder } from './shard-order.js';
import { searchShards } from './shard-search.js';

export interface TarShardsOptions extends ImageFolderOptions {
  /** Images from which the next one of a shuffled order is drawn. */
  shuffleBuffer?: number;
  /** How much is read from a shard at once. */
  blockBytes?: number;
  /** Hears of each read. */
  onRead?: (read: ShardRead) => void;
}

/**
 * Images in tar files ("shards"), read in large blocks, so that a network disk or a spinning one is as fast as it can be:
 * those of `packShards`, or WebDataset's, `train/*.tar` and `val/*.tar` (or `test/`), or `…train….tar` beside
 * `…val….tar`, with `key.jpg` (jpeg, png, webp) and `key.cls` for each. Classes are the index's; without one the lines of
 * `classes.txt`, or else numbers up to the largest label of any split. A shuffled epoch draws the order of the shards,
 * and then images from a buffer; about so many encoded images are in memory. It depends on the random stream alone.
 *
 * @throws Error naming a shard that is missing, cut off or damaged, or whose samples lack an image or a label.
 * @example
 * const training = await tarShards('packed', { split: 'train', shuffleBuffer: 5000 });
 */
export async function tarShards(
  path: string,
  {
    split,
    squareSize,
    orientation,
    workers,
    shuffleBuffer = 1000,
    blockBytes = 4 * 2 ** 20,
    onRead,
    ...search
  }: TarShardsOptions,
): Promise<Dataset> {
  requireSplit('tarShards', split);
  if (!Number.isInteger(shuffleBuffer) || shuffleBuffer < 1) {
    throw new RangeError(`tarShards: expected a whole shuffleBuffer of at least 1, got ${shuffleBuffer}`);
  }
  const found = await shardFiles(path, split);
  if (found === undefined)
    throw new Error(`${path} has no ${split} shards; expected ${split === 'train' ? 'train' : 'val'}/*.tar`);
  const { classes, shards } = found.indexed ? await indexed(found) : await searched(path, found, split, search);
  const counts = shards.map(({ labels }) => labels.length);
  const firsts = counts.map((_, i) => counts.slice(0, i).reduce((sum, count) => sum + count, 0));
  const labels = new Int32Array(counts.reduce((sum, count) => sum + count, 0));
  for (const [i, shard] of shards.entries()) labels.set(shard.labels, firsts[i]);
  const reader = new SampleReader(found.folder, shards, { blockBytes, buffer: shuffleBuffer, onRead });
  const nameOf = (index: number) => {
    const shard = firsts.findLastIndex((first) => first <= index);
    const { file, names } = shards[shard] as Shard;
    return `${join(found.folder, file)}:${names.at(index - (firsts[shard] as number))}`;
  };
  return encodedDataset({
    name: `${path} ${split}`,
    classes,
    labels,
    nameOf,
    order: (random) => {
      const order = bufferedOrder(counts, shuffleBuffer, random);
      reader.expect(order);
      return order;
    },
    encoded: async (index) => ({ name: nameOf(index), bytes: await reader.read(index) }),
    squareSize,
    orientation,
    workers,
  });
}

async function indexed({ folder }: ShardFiles): Promise<{ classes: readonly string[]; shards: Shard[] }> {
  const index = await readShardIndex(folder);
  await mapConcurrently(index.shards, 16, async ({ file, bytes }) => {
    const path = join(folder, file);
    const size = (await stat(path).catch(() => undefined))?.size;
    if (size === undefined) throw new Error(`${path} is missing; its index lists it: copy or pack it again`);
    if (size !== bytes) {
      throw new Error(`${path} has ${size} bytes, its index says ${bytes}; it is cut off: copy or pack it again`);
    }
  });
  return index;
}

async function searched(
  path: string,
  found: ShardFiles,
  split: Split,
  search: Parameters<typeof searchShards>[1],
): Promise<{ classes: readonly string[]; shards: Shard[] }> {
  const shards = await searchShards(found, search);
  const largestOf = (some: readonly Shard[]) =>
    some.reduce((largest, { labels }) => labels.reduce((a, b) => Math.max(a, b), largest), -1);
  const classes = await classList(path);
  if (classes !== undefined) {
    const wrong = shards.find((shard) => largestOf([shard]) >= classes.length);
    if (wrong === undefined) return { classes, shards };
    throw new Error(
      `${join(found.folder, wrong.file)} has the label ${largestOf([wrong])}, and classes.txt ${classes.length} lines`,
    );
  }
  const other = await shardFiles(path, split === 'train' ? 'validation' : 'train');
  const others = other === undefined || other.indexed ? [] : await searchShards(other, search);
  const count = 1 + Math.max(largestOf(shards), largestOf(others));
  return { classes: numbered(count), shards };
}
