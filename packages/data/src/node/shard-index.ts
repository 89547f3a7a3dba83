import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Names } from './names.js';

/** A tar file of images: where each of them lies, how it is labelled, what it is called. */
export interface Shard {
  /** Its name in the folder of the split. */
  file: string;
  bytes: number;
  /** Where each image's content begins. */
  offsets: Float64Array;
  sizes: Uint32Array;
  labels: Int32Array;
  names: Names;
}

/** A shard as JSON has it. */
export interface ShardRecord {
  file: string;
  bytes: number;
  offsets: number[];
  sizes: number[];
  labels: number[];
  /** A zero byte after each. */
  names: string;
}

const format = 'bag-shards-1';
export const indexFile = 'index.json';

export interface ShardIndex {
  classes: readonly string[];
  shards: readonly ShardRecord[];
}

/** One line of JSON per shard. */
export async function writeShardIndex(folder: string, { classes, shards }: ShardIndex): Promise<void> {
  const lines = shards.map((shard) => JSON.stringify(shard));
  const text = `{"format":"${format}","classes":${JSON.stringify(classes)},"shards":[\n${lines.join(',\n')}\n]}\n`;
  await writeFile(join(folder, indexFile), text);
}

/** @throws Error naming the file where it is no index. */
export async function readShardIndex(folder: string): Promise<{ classes: readonly string[]; shards: Shard[] }> {
  const path = join(folder, indexFile);
  const text = await readFile(path, 'utf8');
  try {
    const { classes, shards } = JSON.parse(text) as ShardIndex & { format: unknown };
    return { classes, shards: shards.map((record) => shardOf(record, classes.length)) };
  } catch (error) {
    throw new Error(
      `${path} is damaged (${(error as Error).message}); pack the shards again, or remove it to have them searched`,
      { cause: error },
    );
  }
}

/** @throws Error where the columns of a record disagree. */
export function shardOf({ file, bytes, ...columns }: ShardRecord, classes = Infinity): Shard {
  const { length } = columns.labels;
  const names = new Names(Buffer.from(columns.names));
  if (columns.offsets.length !== length || columns.sizes.length !== length || names.length !== length) {
    throw new Error(`the columns of ${file} differ in length`);
  }
  const wrong = columns.labels.find((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (wrong !== undefined) throw new Error(`${file} has the label ${wrong}, and there are ${classes} classes`);
  const offsets = Float64Array.from(columns.offsets);
  const sizes = Uint32Array.from(columns.sizes);
  if (offsets.some((offset, i) => !(offset + (sizes[i] as number) <= bytes))) {
    throw new Error(`an image of ${file} lies beyond its end`);
  }
  return { file, bytes, offsets, sizes, labels: Int32Array.from(columns.labels), names };
}
