import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Dataset } from '../dataset.js';
import type { RawImage } from '../image.js';

const png = ({ data, height, width }: RawImage) => sharp(data, { raw: { height, width, channels: 3 } }).png();

/**
 * An image as a PNG file's bytes; one with a longer edge than `maxSize` pixels is shrunk to it.
 *
 * @example
 * await writeFile('thumbnail.png', await encodePng(image, { maxSize: 160 }));
 */
export function encodePng(image: RawImage, { maxSize }: { maxSize?: number } = {}): Promise<Uint8Array> {
  const encoded = png(image);
  const longer = Math.max(image.height, image.width);
  if (maxSize === undefined || longer <= maxSize) return encoded.toBuffer();
  return encoded.resize(maxSize, maxSize, { fit: 'inside' }).toBuffer();
}

/**
 * Writes a data set as `folder/<class>/<number>.png`.
 *
 * @example
 * await writeImageFolder(syntheticDataset({ size: 100, split: 'train' }), 'drawn/train');
 */
export async function writeImageFolder(
  dataset: Dataset,
  folder: string,
  { onProgress }: { onProgress?: (done: number, total: number) => void } = {},
): Promise<void> {
  const digits = String(dataset.size - 1).length;
  for (const name of dataset.classes) await mkdir(join(folder, name), { recursive: true });
  for (let index = 0; index < dataset.size; index++) {
    const name = dataset.classes[dataset.labels[index] as number] as string;
    const file = join(folder, name, `${String(index).padStart(digits, '0')}.png`);
    await writeFile(file, await png(await dataset.get(index)).toBuffer());
    onProgress?.(index + 1, dataset.size);
  }
}

/**
 * One row of images per class, as a PNG: what a person looks at before training. All images must have one size.
 *
 * @example
 * await writeFile('sheet.png', await contactSheet(dataset, { columns: 8 }));
 */
export async function contactSheet(
  dataset: Dataset,
  { columns = 12, zoom = 2 }: { columns?: number; zoom?: number } = {},
): Promise<Uint8Array> {
  const gap = 1;
  const first = await dataset.get(0);
  const [height, width] = [first.height + gap, first.width + gap];
  const sheet = { height: dataset.classes.length * height, width: columns * width };
  const data = new Uint8Array(sheet.height * sheet.width * 3).fill(255);
  for (let label = 0; label < dataset.classes.length; label++) {
    let column = 0;
    for (let index = 0; index < dataset.size && column < columns; index++) {
      if (dataset.labels[index] !== label) continue;
      const image = await dataset.get(index);
      for (let y = 0; y < first.height; y++) {
        const line = image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3);
        data.set(line, ((label * height + y) * sheet.width + column * width) * 3);
      }
      column++;
    }
  }
  const small = await png({ data, ...sheet }).toBuffer();
  return sharp(small)
    .resize(sheet.width * zoom, sheet.height * zoom, { kernel: 'nearest' })
    .png()
    .toBuffer();
}
