import { packShards, type PackedSplit } from '@bag/data/node';
import { readdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { untilInterrupted } from '../interrupt.js';
import { createFolder } from '../paths.js';
import { type Progress, withProgress } from '../progress.js';

export interface DataPackFlags {
  shardSize?: number;
  imagesPerShard?: number;
  seed: number;
  resize?: number;
  json?: boolean;
}

const interrupted = 'interrupted; nothing was kept, and the same command begins anew';

/** Packs an image folder into tar shards. */
export async function dataPackCommand(folder: string, out: string, flags: DataPackFlags): Promise<void> {
  if ((await readdir(out).catch(() => [])).length > 0) throw new UsageError(`${out} is not empty; name a new folder`);
  await createFolder(dirname(resolve(out)));
  const packed = await withProgress((progress) =>
    untilInterrupted(interrupted, (signal) => pack(folder, out, flags, progress, signal)),
  );
  if (flags.json === true) {
    console.log(JSON.stringify({ folder: out, splits: packed }));
    return;
  }
  for (const { split, images, shards, bytes } of packed) {
    console.log(
      `${split}: ${images} images in ${shards} ${shards === 1 ? 'shard' : 'shards'}, ${(bytes / 1e6).toFixed(1)} MB`,
    );
  }
  console.log(`train on them:  npx bag train --data ${out}`);
}

async function pack(
  folder: string,
  out: string,
  { shardSize, imagesPerShard, seed, resize }: DataPackFlags,
  progress: Progress,
  signal: AbortSignal,
): Promise<PackedSplit[]> {
  let started = false;
  try {
    return await packShards(folder, out, {
      shardBytes: imagesPerShard === undefined ? shardSize : Infinity,
      imagesPerShard,
      seed,
      resize,
      signal,
      onProgress: (done, total) => {
        if (!started) progress.start(total);
        started = true;
        progress.update(done, 'packing');
      },
    });
  } catch (error) {
    // What the system says is explained elsewhere; the rest is about the folder.
    if (signal.aborted || !(error instanceof Error) || 'code' in error) throw error;
    throw new UsageError(error.message);
  }
}
