import { createRandom } from '@bag/random';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import fixtures from '../fixtures/shards.json' with { type: 'json' };
import { batches, cifarNormalization, padCropFlip, syntheticDataset } from '../index.js';
import { checkDataset } from './check.js';
import { imageFiles } from './image-folder.js';
import { hasSplit, openDataset, validationFiles } from './open.js';
import { packShards } from './pack.js';
import type { ShardRead } from './sample-reader.js';
import { readShardIndex } from './shard-index.js';
import { tarMembers } from './tar-file.js';
import { tarShards } from './tar-shards.js';
import { writeImageFolder } from './write.js';

let base: string;
let photos: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'bag-shards-'));
  photos = join(base, 'photos');
  for (const [split, size] of [
    ['train', 300],
    ['validation', 20],
  ] as const) {
    const folder = join(photos, split === 'train' ? 'train' : 'val');
    await writeImageFolder(syntheticDataset({ classes: 3, size, imageSize: 16, split }), folder);
  }
});
afterAll(() => rm(base, { recursive: true }));
let packed: string;
let number = 0;
beforeEach(() => {
  packed = join(base, `packed-${number++}`);
  vi.stubEnv('BAG_CACHE', `${packed}-cache`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const random = (epoch = 0) => createRandom({ seed: 3, purpose: 'shuffle', epoch });

describe('packing', () => {
  test('shards hold the bytes of the files in a random order, as tar has them, and an index', async () => {
    const progress: number[] = [];
    const result = await packShards(photos, packed, {
      imagesPerShard: 70,
      onProgress: (done, total) => progress.push(done / total),
    });
    expect(result.map(({ split, images, shards }) => [split, images, shards])).toEqual([
      ['train', 300, 5],
      ['validation', 20, 1],
    ]);
    expect([progress.length, progress.at(-1)]).toEqual([320, 1]);
    expect((await readdir(packed, { recursive: true })).sort()).toEqual([
      'classes.txt',
      'train',
      'train/index.json',
      ...[0, 1, 2, 3, 4].map((i) => `train/train-00000${i}.tar`),
      'val',
      'val/index.json',
      'val/val-000000.tar',
    ]);
    expect(await readFile(join(packed, 'classes.txt'), 'utf8')).toBe('disc\nring\nsquare\n');
    const { classes, shards } = await readShardIndex(join(packed, 'train'));
    const [first] = shards;
    const bytes = await readFile(join(packed, 'train', 'train-000000.tar'));
    // The fields of a ustar header: name, size in octal digits, magic.
    const field = (at: number, length: number) => bytes.toString('latin1', at, at + length).replace(/[\0 ]+$/, '');
    const [size = 0, label = 0] = [first?.sizes[0], first?.labels[0]];
    expect([field(0, 100), parseInt(field(124, 12), 8), field(257, 5)]).toEqual(['000000000.png', size, 'ustar']);
    const next = 512 + Math.ceil(size / 512) * 512;
    expect([field(next, 100), field(next + 512, 512)]).toEqual(['000000000.cls', String(label)]);
    const name = first?.names.at(0) ?? '';
    expect(name).toMatch(new RegExp(`^${classes[label] ?? ''}/\\d+\\.png$`));
    expect(bytes.subarray(512, 512 + size)).toEqual(await readFile(join(photos, 'train', name)));
    const names = shards.flatMap((shard) => Array.from(shard.labels, (_, i) => shard.names.at(i)));
    const files = await imageFiles(photos, { split: 'train' });
    const expected = Array.from(files.labels, (_, i) => files.pathOf(i).slice(join(photos, 'train').length + 1));
    expect(names).not.toEqual(expected);
    expect([...names].sort()).toEqual(expected.sort());
  });

  test('equal arguments give equal shards, another seed another order; a shard is no larger than asked for', async () => {
    const contents = async (folder: string) => {
      const files = (await readdir(join(folder, 'train'))).filter((file) => file.endsWith('.tar'));
      return Promise.all(files.map((file) => readFile(join(folder, 'train', file), 'latin1')));
    };
    await packShards(photos, `${packed}a`, { shardBytes: 100_000 });
    await packShards(photos, `${packed}b`, { shardBytes: 100_000 });
    await packShards(photos, `${packed}c`, { shardBytes: 100_000, seed: 1 });
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((letter) => contents(packed + letter)));
    expect(a?.length).toBeGreaterThan(5);
    expect(Math.max(...(a ?? []).map(({ length }) => length))).toBeLessThanOrEqual(100_000);
    expect(b).toEqual(a);
    expect(c).not.toEqual(a);
  });

  test('an interrupted packing leaves nothing that looks whole, and is begun anew', async () => {
    const controller = new AbortController();
    const stopped = packShards(photos, packed, {
      signal: controller.signal,
      onProgress: (done) => done === 100 && controller.abort(new Error('stopped')),
    });
    await expect(stopped).rejects.toThrow('stopped');
    await expect(stat(packed)).rejects.toThrow('ENOENT');
    // What a killed one leaves.
    await mkdir(join(`${packed}.partial`, 'train'), { recursive: true });
    await writeFile(join(`${packed}.partial`, 'train', 'train-000009.tar'), 'half');
    await mkdir(packed);
    await packShards(photos, packed);
    expect(await readdir(join(packed, 'train'))).toEqual(['index.json', 'train-000000.tar']);
    await expect(stat(`${packed}.partial`)).rejects.toThrow('ENOENT');
    await expect(packShards(photos, packed)).rejects.toThrow(`${packed} is not empty; name a new folder`);
  });

  test('large images are shrunk where asked for, others and unreadable ones stay as they are', async () => {
    const source = join(base, 'mixed');
    const make = async (path: string, width: number, height: number) => {
      await mkdir(join(source, path, '..'), { recursive: true });
      await sharp({ create: { width, height, channels: 3, background: 'teal' } }).toFile(join(source, path));
    };
    await make('train/a/wide.png', 60, 40);
    await make('train/a/small.png', 20, 30);
    await make('train/b/small.webp', 9, 9);
    await writeFile(join(source, 'train', 'b', 'broken.jpg'), 'text');
    await packShards(source, packed, { resize: 20 });
    const dataset = await tarShards(packed, { split: 'train' });
    const sizes: Record<string, unknown> = {};
    for (let i = 0; i < dataset.size; i++) {
      const name = dataset.nameOf?.(i).split(':').at(-1) ?? '';
      const image = await Promise.resolve(dataset.get(i)).catch((error: unknown) => (error as Error).message);
      sizes[name] = typeof image === 'string' ? image : [image.width, image.height];
    }
    await dataset.close?.();
    expect(sizes).toEqual({
      'a/wide.png': [30, 20],
      'a/small.png': [20, 30],
      'b/small.webp': [9, 9],
      'b/broken.jpg': expect.stringContaining(
        `cannot read the image ${join(packed, 'train', 'train-000000.tar')}:b/broken.jpg`,
      ) as string,
    });
  });
});

describe('reading what was packed', () => {
  test('every image arrives, as in the folder', async () => {
    await packShards(photos, packed, { imagesPerShard: 70 });
    const folder = await openDataset(photos, { split: 'train' });
    const dataset = await openDataset(packed, { split: 'train' });
    expect([dataset.size, dataset.classes]).toEqual([300, folder.classes]);
    const indexOf = new Map(
      Array.from(folder.labels, (_, i) => [(folder.nameOf?.(i) ?? '').slice(photos.length + 7), i]),
    );
    for (const index of random().permutation(300)) {
      const original = indexOf.get(dataset.nameOf?.(index).split(':').at(-1) ?? '') ?? -1;
      expect(dataset.labels[index]).toBe(folder.labels[original]);
      if (index % 10 === 0) expect(await dataset.get(index)).toEqual(await folder.get(original));
    }
    expect(await hasSplit(packed, 'validation')).toBe(true);
    await Promise.all([folder.close?.(), dataset.close?.()]);
    expect(await checkDataset(packed)).toMatchObject({ train: 300, validation: 20, findings: [] });
  });

  test('an epoch goes on from its middle with the same images, and reads each block once', async () => {
    await packShards(photos, packed, { imagesPerShard: 70 });
    const reads: ShardRead[] = [];
    const epoch = async (from = 0) => {
      reads.length = 0;
      const dataset = await tarShards(packed, {
        split: 'train',
        shuffleBuffer: 40,
        blockBytes: 8000,
        onRead: (read) => reads.push(read),
      });
      const transform = padCropFlip({ size: 16 });
      const all = [];
      const options = { dataset, batchSize: 32, transform, normalization: cifarNormalization, seed: 5, epoch: 2 };
      for await (const { indices, images } of batches({ ...options, shuffle: true })) {
        all.push({ indices: [...indices], first: images[7] });
      }
      await dataset.close?.();
      return all.slice(from);
    };
    const whole = await epoch();
    const keys = reads.map(({ path, offset }) => `${path} ${offset}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.length).toBeGreaterThan(20);
    expect(whole.flatMap(({ indices }) => indices).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 300 }, (_, i) => i),
    );
    expect(await epoch(4)).toEqual(whole.slice(4));
  });

  test('shards that are cut off, missing or damaged are refused by name', async () => {
    await packShards(photos, packed, { imagesPerShard: 100 });
    const shard = join(packed, 'train', 'train-000001.tar');
    const open = () => tarShards(packed, { split: 'train' });
    const good = await readFile(shard);
    await truncate(shard, 5000);
    await expect(open()).rejects.toThrow(`${shard} has 5000 bytes, its index says ${good.length}; it is cut off`);
    await rm(shard);
    await expect(open()).rejects.toThrow(`${shard} is missing; its index lists it`);
    const damaged = Buffer.from(good);
    damaged.fill(7, 0, 512);
    await writeFile(shard, damaged);
    const dataset = await open();
    await expect(dataset.get(100)).rejects.toThrow(`${shard} is damaged, or not what its index says, before byte 512`);
    expect((await dataset.get(101)).width).toBe(16);
    await expect(dataset.get(300)).rejects.toThrow('has no image 300');
    await dataset.close?.();
    const index = join(packed, 'train', 'index.json');
    const text = await readFile(index, 'utf8');
    for (const [wrong, why] of [
      [text.slice(0, 900), 'JSON'],
      [text.replace('"labels":[', '"labels":[1,'), 'the columns of train-000000.tar differ in length'],
      [text.replace(/"labels":\[\d/, '"labels":[7'), 'train-000000.tar has the label 7, and there are 3 classes'],
      [text.replace(/"offsets":\[\d+/, '"offsets":[99999999'), 'an image of train-000000.tar lies beyond its end'],
    ] as const) {
      await writeFile(index, wrong);
      await expect(open()).rejects.toThrow(`${index} is damaged (`);
      await expect(open()).rejects.toThrow(why);
    }
    await rm(index);
    await writeFile(shard, good);
    const searched = await open();
    expect([searched.size, searched.classes]).toEqual([300, ['disc', 'ring', 'square']]);
  });
});

describe('shards of others', () => {
  const bytesOf = (name: string) =>
    gunzipSync(Buffer.from(fixtures.find((one) => one.name === name)?.gzip ?? '', 'base64'));

  test.each(fixtures)("$name: the members are those that Python's tarfile finds", async ({ name, members }) => {
    const bytes = bytesOf(name);
    const found = [];
    const read = (offset: number, length: number) => Promise.resolve(bytes.subarray(offset, offset + length));
    for await (const member of tarMembers('x.tar', bytes.length, read)) found.push(member);
    expect(found).toEqual(members);
  });

  test('images and labels are found in either layout; classes are numbers, or the lines of classes.txt', async () => {
    await mkdir(join(packed, 'train'), { recursive: true });
    await writeFile(join(packed, 'train', 'a.tar'), bytesOf('gnu'));
    await writeFile(join(packed, 'train', 'b.tar'), bytesOf('webdataset'));
    const dataset = await openDataset(packed, { split: 'train' });
    expect([...dataset.labels]).toEqual([7, 0, 0, 4, 8]);
    expect(dataset.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
    expect(dataset.nameOf?.(3)).toBe(`${join(packed, 'train', 'b.tar')}:sample1`);
    await expect(dataset.get(0)).rejects.toThrow(`cannot read the image ${join(packed, 'train', 'a.tar')}:dir/1: `);
    await writeFile(join(packed, 'classes.txt'), 'zero\none\n');
    await expect(openDataset(packed, { split: 'train' })).rejects.toThrow(
      `${join(packed, 'train', 'a.tar')} has the label 7, and classes.txt 2 lines`,
    );
    const beside = `${packed}-beside`;
    await mkdir(beside);
    await writeFile(join(beside, 'photos-train-000.tar'), bytesOf('pax'));
    await writeFile(join(beside, 'photos-val-000.tar'), bytesOf('webdataset'));
    expect(await hasSplit(beside, 'validation')).toBe(true);
    const training = await openDataset(beside, { split: 'train' });
    expect([[...training.labels], training.classes.length]).toEqual([[7, 0], 9]);
  });

  test('shards to validate on that are missing are called as they would be found', async () => {
    await mkdir(join(packed, 'train'), { recursive: true });
    await writeFile(join(packed, 'train', 'a.tar'), bytesOf('gnu'));
    expect(await validationFiles(packed)).toBe('val/*.tar, validation/*.tar or test/*.tar');
    const beside = `${packed}-beside`;
    await mkdir(beside);
    await writeFile(join(beside, 'photos-train-000.tar'), bytesOf('gnu'));
    expect(await validationFiles(beside)).toBe('…val….tar, …validation….tar or …test….tar');
    for (const file of [join(packed, 'validation', 'b.tar'), join(beside, 'photos_test.tar')]) {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytesOf('gnu'));
    }
    for (const folder of [packed, beside]) {
      expect([await hasSplit(folder, 'train'), await hasSplit(folder, 'validation')]).toEqual([true, true]);
    }
  });

  test('tar files beside folders of classes are what these came from', async () => {
    await cp(photos, packed, { recursive: true });
    await writeFile(join(packed, 'photos_train.tar'), '');
    await writeFile(join(packed, 'train', 'disc.tar'), '');
    expect((await openDataset(packed, { split: 'train' })).classes).toEqual(['disc', 'ring', 'square']);
  });

  test('what was found in many is kept; a shard that changed is searched anew, alone', async () => {
    await mkdir(join(packed, 'train'), { recursive: true });
    const old = new Date(2020, 1, 1);
    const put = async (file: string, name: string) => {
      await writeFile(join(packed, 'train', file), bytesOf(name));
      await utimes(join(packed, 'train', file), old, old);
    };
    await put('a.tar', 'gnu');
    await put('b.tar', 'webdataset');
    let searched = 0;
    const open = async (cacheAbove = 2) => {
      vi.spyOn(Date, 'now').mockReturnValue(performance.timeOrigin + performance.now() + 10_000);
      searched = 0;
      return tarShards(packed, { split: 'train', cacheAbove, onProgress: () => searched++ });
    };
    expect([[...(await open(100)).labels], searched]).toEqual([[7, 0, 0, 4, 8], 2]);
    expect([[...(await open()).labels], searched]).toEqual([[7, 0, 0, 4, 8], 2]);
    expect([[...(await open()).labels], searched]).toEqual([[7, 0, 0, 4, 8], 0]);
    await put('a.tar', 'pax');
    expect([[...(await open()).labels], searched]).toEqual([[7, 0, 0, 4, 8], 1]);
  });

  test('damaged ones, and samples without an image or a label, are refused by name', async () => {
    await mkdir(join(packed, 'train'), { recursive: true });
    const path = join(packed, 'train', 'a.tar');
    const bytes = bytesOf('gnu');
    const refuse = async (content: Uint8Array, message: string) => {
      await writeFile(path, content);
      await expect(openDataset(packed, { split: 'train' })).rejects.toThrow(message);
    };
    const changed = (from: string, to: string) => {
      const text = bytes.toString('latin1').replaceAll(from, to);
      return withChecksums(Buffer.from(text, 'latin1'));
    };
    await refuse(bytes.subarray(0, 1200), `${path} is cut off after 1200 bytes`);
    await refuse(bytes.subarray(0, 3072), `${path} is cut off after 3072 bytes`);
    await refuse(
      Buffer.from('text'.repeat(500)),
      `${path} has no tar header at byte 0; it is damaged, or no tar archive`,
    );
    await refuse(
      changed('dir/1.jpg', 'dir/1.gif'),
      `${path}: the sample dir/1 has no image (.jpg, .jpeg, .png, .webp), only .gif, .cls`,
    );
    await refuse(
      changed('dir/1.cls', 'dir/1.txt'),
      `${path}: the sample dir/1 has no label (.cls, a whole number), only .jpg, .txt`,
    );
    const unlabelled = Buffer.from(bytes);
    unlabelled.write('x', bytes.indexOf('7\0\0\0', 2048));
    await refuse(unlabelled, `${path}: the label of the sample dir/1 is "x"; a whole number is expected`);
    await refuse(Buffer.alloc(10240), `${path} holds no samples`);
  });
});

/** Corrects the sums of the two headers that begin with `dir/1`. */
function withChecksums(bytes: Buffer): Buffer {
  for (let at = 0; at < bytes.length; at += 512) {
    if (bytes.toString('latin1', at, at + 5) !== 'dir/1') continue;
    bytes.fill(' ', at + 148, at + 156);
    const sum = bytes.subarray(at, at + 512).reduce((a, b) => a + b, 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return bytes;
}
