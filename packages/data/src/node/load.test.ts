import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BadImages } from '../bad-images.js';
import { type Batch, batches, type BatchesOptions } from '../batches.js';
import type { Dataset } from '../dataset.js';
import { imageNetNormalization } from '../transforms/normalization.js';
import { centerCrop, imageNetTrain, padCropFlip, type Transform } from '../transforms/transforms.js';
import { Decoder } from './decoder.js';
import { encodedDataset } from './encoded.js';
import { imageFolder } from './image-folder.js';

const size = 24;
const bad = 5;
let base: string;
/** Fourteen JPEGs of which one is cut off, a PNG, and a JPEG that lies on its side. */
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'bag-load-'));
  for (let i = 0; i < 16; i++) {
    const folder = join(base, 'train', i % 2 === 0 ? 'a' : 'b');
    await mkdir(folder, { recursive: true });
    const [height, width] = [40 + i, 70 - i];
    const data = Uint8Array.from(
      { length: height * width * 3 },
      (_, k) => 128 + 90 * Math.sin(k / (7 + i)) + ((k * k) % 31),
    );
    const image = sharp(data, { raw: { height, width, channels: 3 } });
    if (i === 15) image.withMetadata({ orientation: 6 });
    const file = i === 14 ? await image.png().toBuffer() : await image.jpeg({ quality: 92 }).toBuffer();
    const name = `${String(i).padStart(2, '0')}.${i === 14 ? 'png' : 'jpg'}`;
    await writeFile(join(folder, name), i === bad ? file.subarray(0, file.length * 0.6) : file);
  }
});
afterAll(() => rm(base, { recursive: true }));

const shared = { batchSize: 5, normalization: imageNetNormalization, seed: 3 };
const open = (workers: number) => imageFolder(base, { split: 'train', workers });
const lenient = () => new BadImages({ size: 16, maxShare: 0.1 });

async function collect(options: BatchesOptions): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches({ badImages: lenient(), ...options })) {
    all.push({ ...batch, images: batch.images.slice() });
  }
  return all;
}

/** The same data set without threads that transform. */
function withoutLoad(dataset: Dataset): Dataset {
  const { name, classes, size: images, labels } = dataset;
  return { name, classes, size: images, labels, get: (index) => dataset.get(index) };
}

const transforms: [string, Transform][] = [
  ['training', imageNetTrain({ size })],
  ['training as the paper has it', imageNetTrain({ size, jitter: 'paper' })],
  ['validation', centerCrop({ size, resize: 28 })],
  ['validation, bicubic', centerCrop({ size, resize: 28, interpolation: 'bicubic' })],
  ['a crop beyond the edge', centerCrop({ size: 30, resize: 20 })],
];

describe('batches that threads make', () => {
  test.each(transforms)('%s: as those made here', async (_, transform) => {
    const dataset = await open(2);
    const options = { ...shared, transform, shuffle: true };
    const made = await collect({ ...options, dataset });
    const expected = await collect({ ...options, dataset: withoutLoad(dataset) });
    await dataset.close?.();
    expect(made.map(({ indices }) => [...indices])).toEqual(expected.map(({ indices }) => [...indices]));
    for (const [i, { images, labels, shape }] of made.entries()) {
      expect([shape, labels]).toEqual([expected[i]?.shape, expected[i]?.labels]);
      const others = expected[i]?.images ?? [];
      const most = images.reduce((m, v, k) => Math.max(m, Math.abs(v - (others[k] as number))), 0);
      // 1e-3 of 255 levels.
      expect(most).toBeLessThan(1e-3 / 57);
      expect(images.buffer).toBeInstanceOf(ArrayBuffer);
    }
  });

  test('do not depend on the number of threads, on prefetching, or on being lent', async () => {
    const run = async (workers: number, more: Partial<BatchesOptions>) => {
      const dataset = await open(workers);
      const made = await collect({
        ...shared,
        dataset,
        transform: imageNetTrain({ size }),
        shuffle: true,
        epoch: 2,
        ...more,
      });
      await dataset.close?.();
      return made;
    };
    const expected = await run(1, { prefetch: 0 });
    expect(await run(3, { prefetch: 4 })).toEqual(expected);
    expect(await run(2, { lend: true })).toEqual(expected);
  });

  test('leave unreadable images out of an ordered pass, and name them', async () => {
    const dataset = await open(2);
    const badImages = lenient();
    const made = await collect({ ...shared, dataset, transform: centerCrop({ size }), badImages });
    await dataset.close?.();
    const missing = dataset.nameOf?.(made.length) ?? '';
    expect(missing).not.toBe('');
    expect(made.flatMap(({ indices }) => [...indices])).toHaveLength(15);
    expect(badImages.count).toBe(1);
    for (const { images, indices } of made) expect(images).toHaveLength(indices.length * size * size * 3);
  });

  test('use the same memory epoch after epoch', async () => {
    const dataset = await open(2);
    const options = { ...shared, dataset, transform: imageNetTrain({ size: 64 }), shuffle: true, badImages: lenient() };
    // The pool may grow now and then, as the moment has it, and what was freed is told late: so of several stretches of
    // epochs the median growth counts. A leak is in most of them, be it of one image in each epoch.
    const [stretches, epochs, imageBytes] = [5, 6, 64 * 64 * 3 * 4];
    let number = 0;
    const medianGrowth = async (lend: boolean) => {
      const grown: number[] = [];
      let before = Infinity;
      for (let stretch = 0; stretch <= stretches; stretch++) {
        for (let i = 0; i < epochs; i++) {
          for await (const { shape } of batches({ ...options, epoch: number++, lend })) expect(shape[1]).toBe(64);
        }
        const now = bytesBeyondObjects();
        if (stretch > 0) grown.push(now - before);
        before = now;
      }
      return grown.sort((a, b) => a - b)[stretches >> 1] as number;
    };
    expect(await medianGrowth(true)).toBeLessThan((epochs * imageBytes) / 2);
    expect(await medianGrowth(false)).toBeLessThan((epochs * imageBytes) / 2);
    await dataset.close?.();
  });

  test('a consumer that stops leaves nothing behind', async () => {
    const dataset = await open(1);
    const begun: number[] = [];
    const counted: Dataset = {
      ...dataset,
      load: (index, ...rest) => {
        begun.push(index);
        return dataset.load?.(index, ...rest) ?? Promise.resolve();
      },
    };
    const options = { ...shared, dataset: counted, transform: imageNetTrain({ size }), badImages: lenient() };
    for await (const { shape } of batches({ ...options, batchSize: 1, prefetch: 1 })) {
      expect(shape[0]).toBe(1);
      break;
    }
    const atOnce = begun.length;
    expect(atOnce).toBeLessThanOrEqual(2);
    await dataset.close?.();
    expect(begun).toHaveLength(atOnce);
  });

  test('a transform that fails ends the epoch with the name of the image', async () => {
    const dataset = await open(2);
    const made = collect({ ...shared, dataset, transform: padCropFlip({ size }) });
    await expect(made).rejects.toThrow(/\.jpg: padCropFlip: expected images of 24×24 pixels, got \d+×\d+/);
    await dataset.close?.();
  });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function bytesBeyondObjects(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

describe('threads', () => {
  test('one that dies is replaced, and its images fail with a clear error', async () => {
    const program = `
      const { parentPort } = require('node:worker_threads');
      parentPort.on('message', ({ id, source }) => {
        if (source === 'deadly.jpg') process.exit(3);
        parentPort.postMessage({ id, kind: 'decoded', data: new Uint8Array(3), height: 1, width: 1 });
      });`;
    const decoder = new Decoder(1, program);
    const fates = ['a.jpg', 'deadly.jpg', 'b.jpg', 'c.jpg', 'd.jpg'].map((path) => decoder.decode(path));
    const results = await Promise.allSettled(fates);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    await expect(fates[1]).rejects.toThrow('the thread that decoded deadly.jpg died: exit code 3');
    await decoder.close();
  });

  test('bytes in memory are decoded as a file is, and named', async () => {
    const file = await sharp({ create: { width: 9, height: 7, channels: 3, background: 'teal' } })
      .jpeg()
      .toBuffer();
    const bytes = new Uint8Array(file);
    const dataset = encodedDataset({
      name: 'bytes',
      classes: ['a'],
      labels: Int32Array.of(0, 0),
      encoded: (index) => ({ name: `shard.tar/${index}.jpg`, bytes: index === 0 ? bytes : bytes.subarray(0, 100) }),
      workers: 1,
    });
    const { height, width } = await dataset.get(0);
    expect([height, width]).toEqual([7, 9]);
    await expect(Promise.resolve(dataset.get(1))).rejects.toThrow('cannot read the image shard.tar/1.jpg');
    await dataset.close?.();
  });
});
