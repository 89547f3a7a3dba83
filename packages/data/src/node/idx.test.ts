import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { idx } from './idx.js';
import { hasSplit, openDataset } from './open.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bag-idx-'));
});
afterEach(() => rm(folder, { recursive: true }));

const number = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const images = (count: number, height: number, width: number) =>
  Uint8Array.from([
    0,
    0,
    8,
    3,
    ...number(count),
    ...number(height),
    ...number(width),
    ...Array.from({ length: count * height * width }, (_, i) => i),
  ]);
const labels = (...values: number[]) => Uint8Array.from([0, 0, 8, 1, ...number(values.length), ...values]);
const write = (name: string, bytes: Uint8Array) => writeFile(join(folder, name), bytes);
const open = (squareSize?: number) => idx(folder, { split: 'train', squareSize });

test('grey images, zipped or not, under either spelling; digits without a list of names', async () => {
  await write('train-images-idx3-ubyte.gz', gzipSync(images(2, 2, 3)));
  await write('train-labels.idx1-ubyte', labels(7, 2));
  const dataset = await openDataset(folder, { split: 'train' });
  expect([dataset.size, [...dataset.labels], dataset.classes.length, dataset.classes[7]]).toEqual([2, [7, 2], 10, '7']);
  expect(await dataset.get(1)).toEqual({
    height: 2,
    width: 3,
    data: Uint8Array.from([6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10, 10, 11, 11, 11]),
  });
  expect(dataset.nameOf?.(1)).toBe(`${join(folder, 'train-images-idx3-ubyte.gz')} image 1`);
  expect([await hasSplit(folder, 'train'), await hasSplit(folder, 'validation')]).toEqual([true, false]);
  await expect(openDataset(folder, { split: 'validation' })).rejects.toThrow(
    `${folder} has no t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz`,
  );
});

test('a square size is brought about: of the middle, by averaging', async () => {
  await write('train-images-idx3-ubyte', images(1, 2, 4));
  await write('train-labels-idx1-ubyte', labels(0));
  // Rows 0 1 2 3 and 4 5 6 7: the middle is 1 2 and 5 6, its mean 3.5.
  expect([...(await (await open(1)).get(0)).data]).toEqual([4, 4, 4]);
  expect([...(await (await open(2)).get(0)).data].filter((_, i) => i % 3 === 0)).toEqual([1, 2, 5, 6]);
});

test('damaged files are one clear line', async () => {
  const [image, label] = [join(folder, 'train-images-idx3-ubyte'), join(folder, 'train-labels-idx1-ubyte')];
  await write('train-images-idx3-ubyte', images(2, 2, 2));
  await expect(open()).rejects.toThrow(`${folder} has no train-labels-idx1-ubyte or`);
  const cases: [string, Uint8Array, string][] = [
    [label, labels(1), `${label} has 1 labels for 2 images; take both from one source`],
    [
      label,
      labels(1, 12),
      `${label}: image 1 has the label 12, and there are 10 classes; name them all in classes.txt`,
    ],
    [label, images(2, 1, 1), `${label} begins with 0x00000803, not with 0x00000801: no IDX file of labels`],
    [label, Uint8Array.from([1]), `${label} begins with 1 bytes`],
    [label, gzipSync(labels(1, 2)).subarray(0, 20), `${label} cannot be unpacked (`],
    [image, images(2, 2, 2).subarray(0, 20), `${image} says 2 × 2 × 2, which is 24 bytes, and has 20; get it again`],
    [image, images(0, 2, 2), `${image} holds no images`],
    [image, Uint8Array.from([0, 0, 8, 3, 0]), `${image} begins with 0x00000803`],
  ];
  for (const [path, bytes, message] of cases) {
    await write('train-images-idx3-ubyte', images(2, 2, 2));
    await write('train-labels-idx1-ubyte', labels(1, 2));
    await writeFile(path, bytes);
    await expect(open()).rejects.toThrow(message);
  }
});

test("CIFAR's pickles are refused, with what to use instead", async () => {
  const refused = () => openDataset(folder, { split: 'train' });
  for (const file of ['data_batch_1', 'test_batch', 'batches.meta']) await write(file, Uint8Array.from([128]));
  await expect(refused()).rejects.toThrow(
    `${folder} holds CIFAR-10 for Python, as pickles, which are not read; use its binary version: npx bag data get cifar10`,
  );
  await rm(folder, { recursive: true });
  folder = await mkdtemp(join(tmpdir(), 'bag-idx-'));
  for (const file of ['train', 'test', 'meta']) await write(file, Uint8Array.from([128]));
  await expect(refused()).rejects.toThrow('npx bag data get cifar100');
});
