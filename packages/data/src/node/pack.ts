import { createRandom } from '@bag/random';
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve as absolute } from 'node:path';
import sharp from 'sharp';
import type { Split } from '../split.js';
import { hasFolderSplit, type ImageFiles, imageFiles } from './image-folder.js';
import { writeShardIndex } from './shard-index.js';
import { ShardWriter } from './shard-writer.js';

export interface PackOptions {
  /** A shard is no larger than this, unless one image is. */
  shardBytes?: number | undefined;
  /** Images of a shard; without end by default. */
  imagesPerShard?: number | undefined;
  /** Of the order of the images. */
  seed?: number | undefined;
  /** Shrinks images with a longer shorter edge to this many pixels there, as JPEG of quality 92; others stay as they are. */
  resize?: number | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What was written for a split. */
export interface PackedSplit {
  split: Split;
  images: number;
  shards: number;
  bytes: number;
}

/**
 * Packs the splits of an image folder into tar shards as WebDataset has them, `out/train/train-000000.tar`, …, with
 * `key.jpg` (or whatever the file is) and `key.cls` per image, in a random order; an `index.json` per split, and
 * `classes.txt`. The files' bytes stay as they are, and equal arguments give equal shards. `out` appears when all is
 * written; until then it is `out.partial`, and begun anew after an interruption.
 *
 * @throws Error where the folder is none of images, or `out` has something in it; the signal's reason.
 * @example
 * await packShards('photos', 'packed', { shardBytes: 2 ** 28 });
 */
export async function packShards(
  folder: string,
  out: string,
  { shardBytes = 256e6, imagesPerShard = Infinity, seed = 0, resize, onProgress, signal }: PackOptions = {},
): Promise<PackedSplit[]> {
  for (const [name, value] of Object.entries({ shardBytes, imagesPerShard })) {
    if (!(value >= 1)) throw new RangeError(`packShards: expected ${name} of at least 1, got ${value}`);
  }
  if ((await readdir(out).catch(() => [])).length > 0) throw new Error(`${out} is not empty; name a new folder`);
  const splits: Split[] = (await hasFolderSplit(folder, 'validation')) ? ['train', 'validation'] : ['train'];
  const sources = await Promise.all(splits.map((split) => imageFiles(folder, { split })));
  const total = sources.reduce((sum, { labels }) => sum + labels.length, 0);
  const partial = `${out.replace(/[\\/]+$/, '')}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(dirname(absolute(partial)), { recursive: true });
  await mkdir(partial);
  const packed: PackedSplit[] = [];
  let done = 0;
  try {
    for (const [i, split] of splits.entries()) {
      const files = sources[i] as ImageFiles;
      const name = split === 'train' ? 'train' : 'val';
      const target = join(partial, name);
      await mkdir(target);
      if (i === 0) await writeFile(join(partial, 'classes.txt'), files.classes.map((one) => `${one}\n`).join(''));
      const order = createRandom({ seed, purpose: `pack ${split}` }).permutation(files.labels.length);
      const writer = new ShardWriter(target, name, { shardBytes, imagesPerShard });
      try {
        for await (const { index, bytes, extension } of contents(files, order, resize)) {
          signal?.throwIfAborted();
          const path = files.pathOf(index);
          const label = files.labels[index] as number;
          await writer.add(bytes, { extension, label, name: `${basename(dirname(path))}/${basename(path)}` });
          done++;
          onProgress?.(done, total);
        }
      } finally {
        await writer.close();
      }
      const { shards } = writer;
      await writeShardIndex(target, { classes: files.classes, shards });
      const size = shards.reduce((sum, shard) => sum + shard.bytes, 0);
      packed.push({ split, images: order.length, shards: shards.length, bytes: size });
    }
    await rmdir(out).catch(() => undefined);
    await rename(partial, out);
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
  return packed;
}

interface Content {
  index: number;
  bytes: Uint8Array;
  extension: string;
}

/** The files in an order, some of them being read ahead. */
async function* contents(files: ImageFiles, order: Uint32Array, edge: number | undefined): AsyncGenerator<Content> {
  const ahead: Promise<Content>[] = [];
  for (let place = 0; place < order.length + readAhead; place++) {
    const index = order[place];
    if (index !== undefined) {
      const next = content(files.pathOf(index), index, edge);
      next.catch(() => undefined);
      ahead.push(next);
    }
    if (place >= readAhead || index === undefined) {
      const ready = ahead.shift();
      if (ready === undefined) return;
      yield await ready;
    }
  }
}

const readAhead = 16;

async function content(path: string, index: number, edge: number | undefined): Promise<Content> {
  const bytes = await readFile(path);
  const stored = { index, bytes, extension: extname(path).slice(1).toLowerCase() };
  if (edge === undefined) return stored;
  try {
    const { width, height } = await sharp(bytes).metadata();
    if (Math.min(width, height) <= edge) return stored;
    const image = sharp(bytes, { failOn: 'truncated' }).toColourspace('srgb').removeAlpha();
    const small = image.resize(edge, edge, { fit: 'outside', kernel: 'linear' }).jpeg({ quality: 92 });
    return { index, bytes: await small.toBuffer(), extension: 'jpg' };
  } catch {
    // What cannot be read is packed as it is: training names and skips it, as it does in the folder.
    return stored;
  }
}
