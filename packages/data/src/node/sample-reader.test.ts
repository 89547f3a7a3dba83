import { createRandom } from '@bag/random';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { syntheticDataset } from '../index.js';
import { packShards } from './pack.js';
import { SampleReader, type ShardRead } from './sample-reader.js';
import { readShardIndex } from './shard-index.js';
import { bufferedOrder } from './shard-order.js';
import { writeImageFolder } from './write.js';

const random = (epoch = 0) => createRandom({ seed: 3, purpose: 'shuffle', epoch });

let base: string;
let packed: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'bag-reader-'));
  const photos = join(base, 'photos');
  const dataset = syntheticDataset({ classes: 3, size: 300, imageSize: 16, split: 'train' });
  await writeImageFolder(dataset, join(photos, 'train'));
  packed = join(base, 'packed');
  await packShards(photos, packed, { imagesPerShard: 70 });
});
afterAll(() => rm(base, { recursive: true }));

describe('the reader of blocks', () => {
  async function reader(buffer: number): Promise<{ reader: SampleReader; reads: ShardRead[]; counts: number[] }> {
    const { shards } = await readShardIndex(join(packed, 'train'));
    const reads: ShardRead[] = [];
    const options = { blockBytes: 8000, buffer, onRead: (read: ShardRead) => reads.push(read) };
    const counts = shards.map(({ labels }) => labels.length);
    return { reader: new SampleReader(join(packed, 'train'), shards, options), reads, counts };
  }

  test('reads each block once in the announced order, and keeps no more than the buffer and a block', async () => {
    const { reader: blocks, reads, counts } = await reader(30);
    const order = bufferedOrder(counts, 30, random());
    blocks.expect(order);
    let most = 0;
    for (const index of order) {
      await blocks.read(index);
      most = Math.max(most, blocks.waiting);
    }
    expect(reads).toHaveLength(blocks.blocks);
    expect(Math.max(...reads.map(({ length }) => length))).toBeLessThanOrEqual(8000);
    expect(most).toBeGreaterThan(10);
    expect(most).toBeLessThanOrEqual(30 + 10);
    expect(blocks.waiting).toBe(0);
  });

  test('goes on from the middle without keeping what is over', async () => {
    const { reader: blocks, reads, counts } = await reader(30);
    const order = bufferedOrder(counts, 30, random());
    blocks.expect(order);
    await Promise.all([...order.subarray(150)].map((index) => blocks.read(index)));
    expect(reads.length).toBeLessThanOrEqual(blocks.blocks);
    expect(blocks.waiting).toBe(0);
  });

  test('reads from the first to the last with each block once, and any order with bounded memory', async () => {
    const { reader: blocks, reads } = await reader(5);
    blocks.expect(random().permutation(300));
    await blocks.read(17);
    for (let index = 0; index < 300; index++) await blocks.read(index);
    expect(reads.length).toBeLessThanOrEqual(blocks.blocks + 2);
    for (const index of random(1).permutation(300)) {
      await blocks.read(index);
      expect(blocks.waiting).toBeLessThan(30);
    }
  });
});
