import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BadImages } from './bad-images.js';
import { type Batch, batchCount, batches, type BatchesOptions } from './batches.js';
import { BadImageError, type Dataset } from './dataset.js';
import { syntheticDataset } from './synthetic/synthetic.js';
import { centerCrop, padCropFlip } from './transforms/transforms.js';

/** Image i is a constant i; those in `bad` cannot be read, and reading takes a different time each. */
function numbered(size: number, bad: number[] = []): Dataset {
  return {
    name: 'numbers',
    classes: ['a'],
    size,
    labels: Int32Array.from({ length: size }, (_, i) => i),
    get: async (index) => {
      await new Promise((resolve) => setTimeout(resolve, (index * 7) % 4));
      if (bad.includes(index)) throw new BadImageError(`image-${index}.jpg`, 'premature end');
      return { data: new Uint8Array(4 * 4 * 3).fill(index), height: 4, width: 4 };
    },
  };
}

const normalization = { mean: [0, 0, 0], deviation: [1, 1, 1] } as const;
const plain = { transform: centerCrop({ size: 4, resize: 4 }), normalization, seed: 1 };

async function collect(options: BatchesOptions): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches(options)) all.push(batch);
  return all;
}
const labelsOf = (list: Batch[]) => list.flatMap(({ labels }) => [...labels]);

describe('batches', () => {
  test('a shuffled epoch has every example once, in another order each epoch', async () => {
    const dataset = numbered(23);
    const epochs = await Promise.all(
      [0, 1].map((epoch) => collect({ dataset, batchSize: 5, shuffle: true, epoch, ...plain })),
    );
    const [first, second] = epochs.map(labelsOf) as [number[], number[]];
    expect([...first].sort((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, i) => i));
    expect(second).not.toEqual(first);
    for (const { images, labels, shape } of epochs[0] ?? []) {
      for (let i = 0; i < shape[0]; i++) expect(images[i * 48]).toBe(labels[i]);
    }
  });

  test('depend on seed and epoch, not on prefetching', async () => {
    const dataset = syntheticDataset({ size: 12, split: 'train', imageSize: 16 });
    const transform = padCropFlip({ size: 16, padding: 2 });
    const run = (prefetch: number, seed: number) =>
      collect({ dataset, batchSize: 4, shuffle: true, transform, normalization, seed, prefetch });
    expect(await run(0, 1)).toEqual(await run(5, 1));
    expect(await run(0, 1)).not.toEqual(await run(0, 2));
  });

  test('their number', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (n, b, drop) => {
          const list = await collect({ dataset: numbered(n), batchSize: b, dropLast: drop, ...plain });
          expect(list).toHaveLength(batchCount(n, b, drop));
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('unreadable images', () => {
  const policy = (more: object = {}) => {
    const said: string[] = [];
    const badImages = new BadImages({
      size: 10,
      maxShare: 0.2,
      onBad: (e, n) => said.push(`${n}: ${e.message}`),
      ...more,
    });
    return { said, badImages };
  };

  test('are named once, counted, and replaced by the next readable one where the order is shuffled', async () => {
    const { said, badImages } = policy();
    const options = { dataset: numbered(10, [3, 7]), batchSize: 5, shuffle: true, badImages, ...plain };
    const list = await collect(options);
    expect(list.map(({ shape }) => shape[0])).toEqual([5, 5]);
    expect(labelsOf(list)).not.toContain(3);
    expect(said.sort()).toHaveLength(2);
    expect(said.join()).toContain('cannot read the image image-3.jpg: premature end');
    expect(labelsOf(await collect(options))).toEqual(labelsOf(list));
    expect(badImages.count).toBe(2);
  });

  test('are left out of an ordered pass', async () => {
    const { badImages } = policy();
    const list = await collect({ dataset: numbered(10, [3, 7]), batchSize: 5, badImages, ...plain });
    expect(labelsOf(list)).toEqual([0, 1, 2, 4, 5, 6, 8, 9]);
  });

  test('stop the run where they are too many, or where one is fatal', async () => {
    const many = collect({ dataset: numbered(10, [1, 2, 3]), batchSize: 5, badImages: policy().badImages, ...plain });
    await expect(many).rejects.toThrow(
      /3 of 10 images are unreadable, more than 20 %: image-\d\.jpg \(premature end\)/,
    );
    const { badImages } = policy({ fatal: true });
    const fatal = collect({ dataset: numbered(10, [4]), batchSize: 5, badImages, ...plain });
    await expect(fatal).rejects.toThrow('cannot read the image image-4.jpg: premature end');
  });
});

describe('the embedded data set', () => {
  test('an image depends on seed, split and number; labels are balanced; noise only in training', () => {
    const make = (more: object = {}) => syntheticDataset({ size: 200, split: 'train', labelNoise: 0.2, ...more });
    const data = (d: Dataset) => (d.get(17) as { data: Uint8Array }).data;
    expect(data(make())).toEqual(data(make({ size: 500 })));
    expect(data(make())).not.toEqual(data(make({ seed: 1 })));
    expect(data(make())).not.toEqual(data(make({ split: 'validation' })));
    const wrong = (d: Dataset) => d.labels.filter((label, i) => label !== i % 10).length;
    expect(wrong(make())).toBeGreaterThan(20);
    expect(wrong(make())).toBeLessThan(60);
    expect(wrong(make({ split: 'validation' }))).toBe(0);
    expect(new Set(make({ classes: 100 }).classes).size).toBe(100);
    expect(() => make({ classes: 101 })).toThrow('expected 2 to 100 classes, got 101');
  });
});
