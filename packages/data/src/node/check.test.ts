import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkDataset } from './check.js';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'bag-check-'));
});
afterEach(() => rm(base, { recursive: true }));

/** An image of its own for every shade; noise, so that half a file is not the whole image. */
async function image(path: string, shade: number, width = 48, height = 40): Promise<void> {
  await mkdir(dirname(join(base, path)), { recursive: true });
  const noise = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 31 + shade * 57) % 251);
  await sharp(noise, { raw: { width, height, channels: 3 } }).toFile(join(base, path));
}

async function wholesome(): Promise<void> {
  let shade = 0;
  for (const split of ['train', 'val']) {
    for (const name of ['cat', 'dog']) {
      for (const i of [1, 2, 3, 4, 5, 6]) await image(`${split}/${name}/${i}.png`, shade++);
    }
  }
}

test('a wholesome data set has no findings', async () => {
  await wholesome();
  const seen: number[] = [];
  const check = await checkDataset(base, { onProgress: (done, total) => seen.push(done / total) });
  expect(check).toEqual({ classes: ['cat', 'dog'], train: 12, validation: 12, findings: [] });
  expect(seen.at(-1)).toBe(1);
});

test('every kind of finding is listed once, and names its files', async () => {
  await wholesome();
  const at = (path: string) => join(base, path);
  await writeFile(at('train/cat/text.jpg'), 'no image');
  await image('train/cat/cut.jpg', 100);
  const whole = await readFile(at('train/cat/cut.jpg'));
  await writeFile(at('train/cat/cut.jpg'), whole.subarray(0, whole.length * 0.7));
  // The same pixels in another format.
  await sharp(at('train/cat/1.png')).webp({ lossless: true }).toFile(at('train/cat/again.webp'));
  await copyFile(at('train/cat/2.png'), at('val/cat/leak.png'));
  await copyFile(at('train/dog/3.png'), at('train/cat/dog.png'));
  await image('val/dog/wide.png', 101, 90, 40);
  await writeFile(at('val/dog/notes.txt'), '');
  await mkdir(at('val/dog/more'));
  await writeFile(at('val/.DS_Store'), '');
  await writeFile(at('train/labels.csv'), '');
  const { findings } = await checkDataset(base);
  const short = findings.map(({ problem, images, detail }) => [
    problem,
    images.map((path) => path.slice(base.length + 1)),
    detail,
  ]);
  expect(short).toEqual([
    ['truncated', ['train/cat/cut.jpg'], expect.any(String)],
    ['unreadable', ['train/cat/text.jpg'], expect.any(String)],
    ['ignored', ['train/labels.csv'], expect.any(String)],
    ['ignored', ['val/dog/more'], expect.any(String)],
    ['ignored', ['val/dog/notes.txt'], expect.any(String)],
    ['duplicate', ['train/cat/1.png', 'train/cat/again.webp'], 'within a class'],
    ['duplicate', ['train/cat/2.png', 'val/cat/leak.png'], 'in training and validation'],
    ['duplicate', ['train/cat/dog.png', 'train/dog/3.png'], 'under the classes cat, dog'],
    ['odd size', ['val/dog/wide.png'], '90×40, nearly all others 48×40'],
  ]);
});

test('where sizes differ anyway, only tiny and very elongated ones are odd; no validation is needed', async () => {
  for (const [i, name] of ['cat', 'dog'].entries()) {
    for (const size of [40, 50, 60, 70]) await image(`train/${name}/${size}.png`, i * 10 + size, size, size + 8);
  }
  await image('train/cat/tiny.png', 1, 10, 12);
  await image('train/cat/narrow.png', 2, 160, 50);
  const { findings, validation, missing } = await checkDataset(base);
  expect([validation, missing]).toEqual([0, 'val/, validation/ or test/']);
  expect(findings.map(({ detail }) => detail)).toEqual([
    '160×50, very elongated',
    '10×12, small: the median shorter edge is 50',
  ]);
});

test('CIFAR records are compared too', async () => {
  const record = (label: number, shade: number) => [label, ...new Uint8Array(3072).fill(shade)];
  await writeFile(join(base, 'data_batch_1.bin'), Uint8Array.from([...record(1, 7), ...record(2, 8)]));
  await writeFile(join(base, 'test_batch.bin'), Uint8Array.from(record(1, 8)));
  const { findings } = await checkDataset(base);
  expect(findings).toEqual([
    {
      problem: 'duplicate',
      images: ['CIFAR-10 train image 1', 'CIFAR-10 validation image 0'],
      detail: 'in training and validation, under the classes 2, 1',
    },
  ]);
});

test('MNIST without its test files: what is missing has a name, and is no finding', async () => {
  const images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, ...[1, 2, 3, 4]];
  await writeFile(join(base, 'train-images-idx3-ubyte'), Uint8Array.from(images));
  await writeFile(join(base, 'train-labels-idx1-ubyte'), Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 2, 5, 6]));
  const check = await checkDataset(base);
  expect(check).toMatchObject({ train: 2, validation: 0, missing: 't10k-images-idx3-ubyte(.gz)', findings: [] });
});
