import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShardRecord } from './shard-index.js';
import { filledUp, tarBlock, tarHeader } from './tar-file.js';

export interface ShardLimits {
  shardBytes: number;
  imagesPerShard: number;
}

/** Writes one shard after the other. */
export class ShardWriter {
  readonly #folder: string;
  readonly #name: string;
  readonly #limits: ShardLimits;
  /** What has been written. */
  readonly shards: ShardRecord[] = [];
  #file: FileHandle | undefined;
  #samples = 0;

  constructor(folder: string, name: string, limits: ShardLimits) {
    this.#folder = folder;
    this.#name = name;
    this.#limits = limits;
  }

  async add(bytes: Uint8Array, sample: { extension: string; label: number; name: string }): Promise<void> {
    const { shardBytes, imagesPerShard } = this.#limits;
    const length = 3 * tarBlock + filledUp(bytes.length);
    const last = this.shards.at(-1);
    const fits = last && last.labels.length < imagesPerShard && last.bytes + length + archiveEnd.length <= shardBytes;
    const shard = fits ? last : await this.#begin();
    const key = String(this.#samples++).padStart(9, '0');
    const label = Buffer.from(String(sample.label));
    const gap = (size: number) => Buffer.alloc(filledUp(size) - size);
    const parts = [
      tarHeader(`${key}.${sample.extension}`, bytes.length),
      bytes,
      gap(bytes.length),
      tarHeader(`${key}.cls`, label.length),
      label,
      gap(label.length),
    ];
    await this.#file?.writeFile(Buffer.concat(parts));
    shard.offsets.push(shard.bytes + tarBlock);
    shard.sizes.push(bytes.length);
    shard.labels.push(sample.label);
    shard.names += `${sample.name}\0`;
    shard.bytes += length;
  }

  async #begin(): Promise<ShardRecord> {
    await this.close();
    const file = `${this.#name}-${String(this.shards.length).padStart(6, '0')}.tar`;
    this.#file = await open(join(this.#folder, file), 'w');
    const shard: ShardRecord = { file, bytes: 0, offsets: [], sizes: [], labels: [], names: '' };
    this.shards.push(shard);
    return shard;
  }

  /** Ends the last shard. */
  async close(): Promise<void> {
    const shard = this.shards.at(-1);
    if (this.#file === undefined || shard === undefined) return;
    await this.#file.writeFile(archiveEnd);
    await this.#file.close();
    this.#file = undefined;
    shard.bytes += archiveEnd.length;
  }
}

/** A tar archive ends with two empty blocks. */
const archiveEnd = Buffer.alloc(2 * tarBlock);
