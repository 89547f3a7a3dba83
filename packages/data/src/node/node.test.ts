import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { syntheticDataset } from '../synthetic/synthetic.js';
import { cifarBinary } from './cifar.js';
import { decodeImage, Decoder } from './decoder.js';
import { imageFolder } from './image-folder.js';
import { inMemory } from './in-memory.js';
import { openDataset } from './open.js';
import { contactSheet, writeImageFolder } from './write.js';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'bag-data-'));
});
afterAll(() => rm(base, { recursive: true }));

describe('image folders', () => {
  test('what is written is read back, pixel by pixel', async () => {
    const folder = join(base, 'round-trip');
    for (const [split, name] of [
      ['train', 'train'],
      ['validation', 'test'],
    ] as const) {
      await writeImageFolder(syntheticDataset({ classes: 3, size: 6, imageSize: 12, split }), join(folder, name));
    }
    const dataset = await openDataset(folder, { split: 'validation' });
    expect(dataset.classes).toEqual(['disc', 'ring', 'square']);
    expect([...dataset.labels]).toEqual([0, 0, 1, 1, 2, 2]);
    const original = syntheticDataset({ classes: 3, size: 6, imageSize: 12, split: 'validation' });
    expect((await dataset.get(1)).data).toEqual((await original.get(3)).data);
    const cached = await inMemory(dataset);
    expect((await cached.get(1)).data).toEqual((await original.get(3)).data);
    const sheet = await sharp(await contactSheet(original, { columns: 2, zoom: 1 })).metadata();
    expect([sheet.width, sheet.height]).toEqual([26, 39]);
  });

  test('grey, transparent and 16-bit images become 8-bit RGB; a square size is brought about while decoding', async () => {
    const [grey, alpha, deep] = ['grey.png', 'alpha.png', 'deep.png'].map((name) => join(base, name)) as [
      string,
      string,
      string,
    ];
    await sharp(Buffer.from([0, 128, 255, 64]), { raw: { width: 2, height: 2, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toFile(grey);
    await sharp({ create: { width: 6, height: 4, channels: 4, background: { r: 200, g: 150, b: 100, alpha: 1 } } })
      .png()
      .toFile(alpha);
    await sharp({ create: { width: 3, height: 3, channels: 3, background: 'red' } })
      .toColourspace('rgb16')
      .png()
      .toFile(deep);
    expect([...(await decodeImage(grey)).data]).toEqual([0, 0, 0, 128, 128, 128, 255, 255, 255, 64, 64, 64]);
    const { data, height, width } = await decodeImage(alpha, { squareSize: 2 });
    expect([[...data.subarray(0, 3)], height, width]).toEqual([[200, 150, 100], 2, 2]);
    expect([...(await decodeImage(deep)).data.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  test('text, nothing and a cut-off file are named', async () => {
    const jpeg = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'blue' } })
      .jpeg()
      .toBuffer();
    const files = { 'text.jpg': 'no image', 'empty.jpg': '', 'cut.jpg': jpeg.subarray(0, jpeg.length / 2) };
    for (const [name, content] of Object.entries(files)) {
      const path = join(base, name);
      await writeFile(path, content);
      await expect(decodeImage(path)).rejects.toThrow(`cannot read the image ${path}: `);
    }
  });

  test('errors say what is missing', async () => {
    const make = async (...paths: string[]) => {
      const folder = await mkdtemp(join(base, 'wrong-'));
      for (const path of paths) {
        await mkdir(join(folder, path, '..'), { recursive: true });
        await writeFile(join(folder, path), '');
      }
      return folder;
    };
    const open = (path: string) => imageFolder(path, { split: 'train' });
    await expect(open(join(base, 'nowhere'))).rejects.toThrow('does not exist; give the folder of a data set');
    await expect(open(join(base, 'grey.png'))).rejects.toThrow('is a file');
    await expect(open(await make('val/a/1.jpg'))).rejects.toThrow('has no train/');
    await expect(open(await make('train/a/1.jpg'))).rejects.toThrow('has 1 class folders');
    await expect(open(await make('train/a/1.jpg', 'train/b/x.txt'))).rejects.toThrow(/b holds no images/);
    const differing = await make('train/a/1.jpg', 'train/b/1.jpg', 'val/a/1.jpg', 'val/c/1.jpg');
    await expect(open(differing)).rejects.toThrow(/val lacks the class b that .*train has/);
  });
});

describe('CIFAR', () => {
  test('CIFAR-10 and CIFAR-100 records: labels, names, channels', async () => {
    const pixels = [...new Uint8Array(1024).fill(1), ...new Uint8Array(1024).fill(2), ...new Uint8Array(1024).fill(3)];
    const ten = join(base, 'ten');
    await mkdir(ten);
    await writeFile(join(ten, 'data_batch_1.bin'), Uint8Array.from([7, ...pixels]));
    await writeFile(join(ten, 'data_batch_2.bin'), Uint8Array.from([9, ...pixels, 0, ...pixels]));
    await writeFile(join(ten, 'test_batch.bin'), Uint8Array.from([1, ...pixels]));
    await writeFile(join(ten, 'batches.meta.txt'), 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n');
    const dataset = await openDataset(ten, { split: 'train' });
    expect([...dataset.labels]).toEqual([7, 9, 0]);
    expect(dataset.classes[7]).toBe('h');
    expect([...(await dataset.get(2)).data.subarray(0, 6)]).toEqual([1, 2, 3, 1, 2, 3]);
    const shrunk = await openDataset(ten, { split: 'train', squareSize: 16 });
    const small = await shrunk.get(2);
    expect([small.height, small.width, ...small.data.subarray(0, 3)]).toEqual([16, 16, 1, 2, 3]);
    const hundred = join(base, 'hundred');
    await mkdir(hundred);
    await writeFile(join(hundred, 'train.bin'), Uint8Array.from([3, 99, ...pixels]));
    expect([...(await cifarBinary(hundred, { split: 'train' })).labels]).toEqual([99]);
    await expect(cifarBinary(hundred, { split: 'validation' })).rejects.toThrow('has no validation files of CIFAR-10');
    await writeFile(join(ten, 'test_batch.bin'), Uint8Array.from([1, 2]));
    await expect(cifarBinary(ten, { split: 'validation' })).rejects.toThrow('2 bytes are no multiple of 3073');
  });
});

test('a decoder that is closed rejects what it has not decoded', async () => {
  const path = join(base, 'grey.png');
  const decoder = new Decoder(1);
  const rejected = expect(decoder.decode(path)).rejects.toThrow('closed before the image was decoded');
  await decoder.close();
  await rejected;
});
